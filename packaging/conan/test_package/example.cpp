#include <parallelpipe.hpp>

#include <iostream>
#include <ranges>

int main() {
    const auto square = parallelpipe::map_stage({.workers = 2, .ordered = true}, [](int x) { return x * x; });
    for (int result : (std::views::iota(1, 6) | square).results()) std::cout << result << ' ';
    std::cout << '\n';
}
