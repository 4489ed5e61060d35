#include <parallelpipe.hpp>

#include <iostream>
#include <string>
#include <vector>

using namespace parallelpipe;

int main() {
    std::vector<std::string> words = {"a", "loop", "becomes", "a", "parallel", "pipeline"};

    auto shout = stage({.workers = 4}, [](Input<std::string> in) -> generator<std::string> {
        for (auto& word : in) co_yield word + '!';
    });
    auto measure = map_stage({.workers = 2}, [](const std::string& word) { return word.size(); });

    std::size_t letters = 0;
    for (auto& size : (words | shout | measure).results()) letters += size;
    std::cout << letters << " characters\n";
}
