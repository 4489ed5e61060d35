// An element that a range computes is destroyed before the stage reads a view of it; one of a container is not.
// expect: the elements of the range on the left of | own their memory

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace parallelpipe;

const auto length = stage([](Input<std::string_view> in) -> generator<std::size_t> {
    for (auto part : in) co_yield part.size();
});
#ifdef MISTAKE
auto made = std::views::iota(0, 9) | std::views::transform([](int x) { return std::to_string(x); }) | length;
#else
const std::vector<std::string> words{"a", "b"};
auto made = words | length;
#endif
