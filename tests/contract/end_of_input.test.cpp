// The end of a worker's Input is final for the loop that met it, even if workers of the stage give items back.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <ranges>
#include <thread>
#include <utility>
#include <vector>

namespace end_of_input_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

/// One slow item near the end: siblings take the items after it.
bool is_slow(int x) { return x == 950; }

/// Runs `work`, a stage from int to int, over 1,000 items, `runs` times. Returns: for each number of results, how many
/// runs had it.
template <class Work>
std::map<std::size_t, int> result_counts(const Work& work, int runs = 20) {
    std::map<std::size_t, int> counts;
    for (int run = 0; run < runs; ++run)
        ++counts[(std::views::iota(0, 1000) | work).collect().size()];
    return counts;
}

}  // namespace

TEST_CASE("a view that compares twice with the end of an Input reads each item once",
          "[input][contract]") {
    const auto some = stage({.workers = 2}, [](Input<int> in) {
        return std::move(in) | std::views::filter([](int x) {
                   if (is_slow(x)) std::this_thread::sleep_for(5ms);
                   return true;
               });
    });
    CHECK(result_counts(some) == std::map<std::size_t, int>{{1000, 20}});
}

TEST_CASE(
    "a second loop over an Input after its end reads the items that siblings gave back, and no item twice",
    "[input][contract]") {
    const auto twice = stage({.workers = 3}, [](Input<int> in) -> generator<int> {
        for (int loop = 0; loop < 3; ++loop)
            for (int x : in) {
                if (is_slow(x)) std::this_thread::sleep_for(5ms);
                co_yield x;
            }
    });
    CHECK(result_counts(twice) == std::map<std::size_t, int>{{1000, 20}});
}

TEST_CASE("an iterator at the end stays there; a new loop reads the items that a sibling gave back",
          "[input][contract]") {
    std::atomic<bool> saw_end{false};
    std::atomic<bool> stayed{true};
    std::atomic<bool> has_item{false};
    const auto watch = stage({.workers = 2}, [&](Input<int> in) -> generator<int> {
        auto it = in.begin();
        if (it != in.end() && !has_item.exchange(true)) {
            // This worker has claimed the item but not read it: the worker gives it back when it returns.
            support::comes_true([&] { return saw_end.load(); });
            co_return;
        }
        while (it != in.end()) ++it;
        saw_end = true;
        for (int i = 0; i < 20; ++i) {
            std::this_thread::sleep_for(1ms);
            if (it != in.end()) stayed = false;
        }
        int found = -1;
        support::comes_true([&] {
            for (int x : in) found = x;
            return found != -1;
        });
        co_yield found;
    });
    CHECK((std::views::single(7) | watch).collect() == std::vector{7});
    CHECK(stayed);
}

}  // namespace end_of_input_tests
