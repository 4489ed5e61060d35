// Every ready-made stage once, each with one line of results.

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

/// Begins a line.
std::ostream& line(std::string_view verb) {
    return std::cout << std::left << std::setw(19) << verb << std::right;
}

void show(std::string_view verb, const auto& results) {
    line(verb);
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
    {  // the items for which it is true
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
    {  // a sink, with two workers
        std::atomic<int> sum = 0;
        auto add = for_each({.workers = 2}, [](int x, std::atomic<int>& to) { to += x; });
        (numbers | add(std::ref(sum))).execute();
        line("for_each") << ' ' << sum << '\n';
    }
    {  // all in one
        auto join = reduce(std::string(), [](std::string text, int x) {
            return std::move(text) + std::to_string(x);
        });
        line("reduce") << ' ' << (numbers | join).execute() << '\n';
    }
    {  // the same in parallel: each worker folds its part, then these are combined
        auto product = reduce({.workers = 4}, 1, std::multiplies<>(), std::multiplies<>());
        line("reduce in parallel") << ' ' << (numbers | product).execute() << '\n';
    }
    {  // the first ones, even of an endless source
        show("take", (std::views::iota(1) | take(3)).collect());
    }
    {  // up to the first one that is not
        auto small = take_while([](int x) { return x * x < 30; });
        show("take_while", (std::views::iota(1) | small).collect());
    }
    {  // all but the first ones
        show("drop", (numbers | drop(5)).collect());
    }
    {  // looks at the items, which go on
        std::size_t letters = 0;
        auto count = tap([&letters](const std::string& text) { letters += text.size(); });
        show("tap", (lines | count | map_stage(&std::string::size)).collect());
        line("  what it saw") << ' ' << letters << '\n';
    }
    const auto size = map_stage([](const std::vector<int>& part) { return part.size(); });
    {  // several items in one; fewer at the end
        show("batch", (numbers | batch(3) | size).collect());
    }
    {  // here the source waits for the consumer: without the time limit it would wait for ever
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
    {  // the way back
        show("unbatch", (numbers | batch(3) | unbatch()).collect());
    }
    {  // with numbers
        auto label = map_stage([](const std::pair<std::size_t, std::string>& item) {
            return std::to_string(item.first) + '=' + item.second;
        });
        show("enumerate", (lines | enumerate() | label).collect());
    }
    {  // not faster than that; the first two may pass at once
        show("throttle", (numbers | throttle({1000, 1s}, 2)).collect());
    }

    // What a pipeline can do, whatever its stages are.
    const auto pipe = lines | map_stage({.workers = 3}, [](const std::string& text) {
                          return text.substr(0, text.find(' '));
                      });
    {  // with several workers results come as they are ready; here as if there were one
        show("pipe.ordered", pipe.ordered().collect());
    }
    {  // all results, in the container of your choice
        show("pipe.collect", pipe.collect<std::set>());
    }
    {  // in this thread, so that nothing has to be guarded
        std::size_t letters = 0;
        pipe.for_each([&letters](const std::string& word) { letters += word.size(); });
        line("pipe.for_each") << ' ' << letters << '\n';
    }
}
