// Runs every ready-made stage once; each prints one line of results.

#include <parallelpipe.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iomanip>
#include <iostream>
#include <ranges>
#include <semaphore>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace parallelpipe;
using namespace std::chrono_literals;

/// Starts a line with the name of a stage.
std::ostream& line(std::string_view name) {
    return std::cout << std::left << std::setw(19) << name << std::right;
}

void show(std::string_view name, const auto& results) {
    line(name);
    for (const auto& result : results) std::cout << ' ' << result;
    std::cout << '\n';
}

int main() {
    const std::vector<int> numbers = {1, 2, 3, 4, 5, 6, 7};
    const std::vector<std::string> lines = {"one two", "three", "four five six"};

    {  // one result for each item
        auto square = map_stage({.workers = 2, .ordered = true}, [](int x) { return x * x; });
        show("map_stage", (numbers | square).collect());
    }
    {  // the items for which the function returns true
        auto even = filter({.workers = 2, .ordered = true}, [](int x) { return x % 2 == 0; });
        show("filter", (numbers | even).collect());
    }
    {  // any number of results for each item
        auto words = flat_map([](const std::string& text) -> generator<std::string> {
            for (auto word : text | std::views::split(' '))
                co_yield std::string(word.begin(), word.end());
        });
        show("flat_map", (lines | words).collect());
    }
    {  // a sink with two workers
        std::atomic<int> sum = 0;
        auto add = for_each({.workers = 2}, [](int x, std::atomic<int>& to) { to += x; });
        (numbers | add(std::ref(sum))).execute();
        line("for_each") << ' ' << sum << '\n';
    }
    {  // one result for all items
        auto join = reduce(std::string(), [](std::string text, int x) {
            return std::move(text) + std::to_string(x);
        });
        line("reduce") << ' ' << (numbers | join).execute() << '\n';
    }
    {  // in parallel: each worker reduces its items, then the partial results are combined
        auto product = reduce({.workers = 4}, 1, std::multiplies<>(), std::multiplies<>());
        line("reduce in parallel") << ' ' << (numbers | product).execute() << '\n';
    }
    {  // the first three items, here of an endless source
        show("take", (std::views::iota(1) | take(3)).collect());
    }
    {  // the items before the first for which the function returns false
        auto small = take_while([](int x) { return x * x < 30; });
        show("take_while", (std::views::iota(1) | small).collect());
    }
    {  // all items after the first five
        show("drop", (numbers | drop(5)).collect());
    }
    {  // calls a function with each item and passes the items on
        std::size_t letters = 0;
        auto count = tap([&letters](const std::string& text) { letters += text.size(); });
        show("tap", (lines | count | map_stage(&std::string::size)).collect());
        line("  letters counted") << ' ' << letters << '\n';
    }
    const auto size = map_stage([](const std::vector<int>& part) { return part.size(); });
    {  // three items in a vector; the last vector may be shorter
        show("batch", (numbers | batch(3) | size).collect());
    }
    {  // the source waits for the consumer: without the time limit the run would never end
        std::binary_semaphore seen(1);
        auto slow = stage([&seen]() -> generator<int> {
            for (int x = 0; x < 3; ++x) {
                seen.acquire();
                co_yield x;
            }
        });
        line("batch, time limit");
        for (std::size_t n : (slow | batch(1000, 1ms) | size).results()) {
            std::cout << ' ' << n;
            seen.release();
        }
        std::cout << '\n';
    }
    {  // the items of each vector
        show("unbatch", (numbers | batch(3) | unbatch()).collect());
    }
    {  // each item with its number
        auto label = map_stage([](const std::pair<std::size_t, std::string>& item) {
            return std::to_string(item.first) + '=' + item.second;
        });
        show("enumerate", (lines | enumerate() | label).collect());
    }
    {  // at most 1000 items a second; the first two pass at once
        show("throttle", (numbers | throttle({1000, 1s}, 2)).collect());
    }

    // Members of every pipeline.
    const auto pipe = lines | map_stage({.workers = 3}, [](const std::string& text) {
                          return text.substr(0, text.find(' '));
                      });
    {  // keeps the order of the input, although the stage has three workers
        show("pipe.ordered", pipe.ordered().collect());
    }
    {  // all results in a container, here a set
        show("pipe.collect", pipe.collect<std::set>());
    }
    {  // calls a function with each result in this thread, so no lock is needed
        std::size_t letters = 0;
        pipe.for_each([&letters](const std::string& word) { letters += word.size(); });
        line("pipe.for_each") << ' ' << letters << '\n';
    }
}
