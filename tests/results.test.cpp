#include <parallelpipe/results.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <latch>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Results: reading the results of a run, ending it, errors, statistics.
namespace results_tests {

using namespace parallelpipe;
using support::Counted;
using support::comes_true;
using support::Tally;

namespace {

Pipeline<void, int> numbers(int end) {
    return std::views::iota(0, end) | map_stage([](int x) { return x; });
}

/// An endless source that counts its coroutine frames.
Stage<void, int> endless(std::atomic<int>& alive) {
    return Stage<void, int>(
        [](std::atomic<int>& count) -> generator<int> {
            struct Guard {
                explicit Guard(std::atomic<int>& n) : n_(n) { ++n_; }
                Guard(const Guard&) = delete;
                Guard& operator=(const Guard&) = delete;
                ~Guard() { --n_; }
                std::atomic<int>& n_;
            };
            const Guard guard(count);
            for (int i = 0;; ++i) co_yield i;
        },
        std::ref(alive));
}

}  // namespace

static_assert(std::ranges::view<Results<int>>);
static_assert(std::ranges::input_range<Results<int>>);
static_assert(!std::ranges::forward_range<Results<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<Results<int>>, int&>);
static_assert(!std::copy_constructible<Results<int>>);
static_assert(std::is_nothrow_move_constructible_v<Results<int>>);
static_assert(std::is_nothrow_move_assignable_v<Results<int>>);

TEST_CASE("each result is read once, in the order of a single worker", "[results]") {
    std::vector<int> seen;
    for (int x : numbers(5).results()) seen.push_back(x);
    CHECK(seen == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a second loop continues where the first ended", "[results]") {
    auto results = numbers(5).results();
    for (int x : results) {
        CHECK(x <= 1);
        if (x == 1) break;
    }
    std::vector<int> rest;
    for (int x : results) rest.push_back(x);
    CHECK(rest == std::vector{2, 3, 4});
    CHECK(results.begin() == results.end());
}

TEST_CASE("begin() does not lose a result that was not read", "[results]") {
    auto results = numbers(3).results();
    CHECK_FALSE(results.begin() == results.end());
    CHECK_FALSE(results.begin() == results.end());
    CHECK(*results.begin() == 0);
    CHECK(*results.begin() == 1);
}

TEST_CASE("a result may be changed and moved from", "[results]") {
    const auto pipe =
        std::vector<std::string>{"a", "b"} | map_stage([](std::string text) { return text; });
    std::vector<std::string> mine;
    for (std::string& text : pipe.results()) {
        text += '!';
        mine.push_back(std::move(text));
    }
    CHECK(mine == std::vector<std::string>{"a!", "b!"});

    auto results = pipe.results();
    auto it = results.begin();
    CHECK(it->size() == 1);
    it++;
    CHECK(*it == "b");
}

TEST_CASE("views work on results", "[results]") {
    std::vector<int> seen;
    for (int x : numbers(1000).results() | std::views::filter([](int i) { return i % 2 == 1; }) |
                     std::views::transform([](int i) { return i * i; }) | std::views::take(3))
        seen.push_back(x);
    CHECK(seen == std::vector{1, 9, 25});
}

TEST_CASE("views::take of an endless run ends, and its workers with it", "[results]") {
    std::atomic<int> alive{0};
    int sum = 0;
    for (int x : endless(alive).results() | std::views::take(5)) sum += x;
    CHECK(sum == 10);
    CHECK(alive == 0);
}

TEST_CASE("moved results continue at their position", "[results]") {
    auto first = numbers(4).results();
    CHECK(*first.begin() == 0);
    auto second = std::move(first);
    CHECK(*second.begin() == 1);
    auto third = numbers(1).results();
    third = std::move(second);
    std::vector<int> rest;
    for (int x : third) rest.push_back(x);
    CHECK(rest == std::vector{2, 3});
}

TEST_CASE("assigning to results ends their previous run", "[results]") {
    std::atomic<int> alive{0};
    auto results = endless(alive).results();
    CHECK(*results.begin() == 0);
    CHECK(alive == 1);
    results = numbers(1).results();
    CHECK(alive == 0);
    CHECK(*results.begin() == 0);
}

TEST_CASE("results that were moved from can be destroyed and assigned to", "[results]") {
    auto first = numbers(2).results();
    {
        const auto second = std::move(first);
    }
    first = numbers(1).results();
    CHECK(*first.begin() == 0);
}

TEST_CASE("destroying unread results ends their run", "[results]") {
    std::atomic<int> alive{0};
    {
        const auto results = endless(alive).results();
    }
    CHECK(alive == 0);
}

TEST_CASE("break ends the run at once and leaks nothing", "[results]") {
    Tally tally;
    {
        const Stage<void, Counted> source(
            [](Tally& t) -> generator<Counted> {
                for (int i = 0;; ++i) co_yield Counted(t, i);
            },
            std::ref(tally));
        const auto pipe =
            source | map_stage({.workers = 2}, [](Counted& item) { return std::move(item); });
        for (const Counted& item : pipe.results()) {
            CHECK(item.value >= 0);
            break;
        }
        CHECK(tally.alive == 0);
    }
    CHECK(tally.copies == 0);
}

TEST_CASE("an exception in the consumer's loop ends the run", "[results]") {
    std::atomic<int> alive{0};
    CHECK_THROWS_AS(
        [&] {
            for (int x : endless(alive).results())
                if (x == 10) throw std::logic_error("the consumer's own");
        }(),
        std::logic_error);
    CHECK(alive == 0);
}

TEST_CASE("cancel() ends the run, and the loop throws", "[results][cancel]") {
    std::atomic<int> alive{0};
    auto results = endless(alive).results();
    int seen = 0;
    CHECK_THROWS_AS(
        [&] {
            for ([[maybe_unused]] int x : results)
                if (++seen == 3) {
                    results.cancel();
                    if (alive != 0) seen = -1000;
                }
        }(),
        CancelledError);
    CHECK(seen == 3);
    CHECK(alive == 0);
}

TEST_CASE("Results::cancel() from another thread wakes a consumer that waits for a result",
          "[results][cancel]") {
    std::atomic<bool> reached{false};
    auto quiet = stage([&reached]() -> generator<int> {
        reached = true;
        reached.notify_all();
        while (!this_worker::stop_token().stop_requested()) std::this_thread::yield();
        co_return;
    });
    auto results = quiet.results();
    std::jthread canceller([&] {
        reached.wait(false);
        results.cancel();
    });
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("cancel() may be called twice, and before the first result is read", "[results][cancel]") {
    auto results = numbers(1000000).results();
    results.cancel();
    results.cancel();
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("cancel() after the end changes nothing", "[results][cancel]") {
    auto results = numbers(3).results();
    int sum = 0;
    for (int x : results) sum += x;
    results.cancel();
    CHECK(sum == 3);
    CHECK(results.begin() == results.end());
}

TEST_CASE("results delivered before an error still reach the consumer", "[results][errors]") {
    const Stage<void, int> source([]() -> generator<int> {
        for (int i = 0; i < 5; ++i) co_yield i;
        throw std::runtime_error("five");
    });
    std::vector<int> seen;
    try {
        for (int x : source.results()) seen.push_back(x);
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.task() == "stage_0-0");
    }
    CHECK(seen == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("every loop that reaches the end of a failed run throws its error", "[results][errors]") {
    const Stage<void, int> source([]() -> generator<int> {
        co_yield 1;
        throw std::runtime_error("second thing");
    });
    const auto check = [](auto results) {
        int sum = 0;
        const auto read = [&] {
            for (int x : results) sum += x;
        };
        CHECK_THROWS_AS(read(), TaskException);
        CHECK_THROWS_AS(read(), TaskException);
        results.cancel();
        CHECK_THROWS_AS(read(), TaskException);
        CHECK(sum == 1);
    };
    check(source.results());
    check(source.results(inline_run));
}

TEST_CASE("every loop that reaches the end of a cancelled run throws CancelledError", "[results][cancel]") {
    const Stage<void, int> source([]() -> generator<int> {
        for (int i = 0;; ++i) co_yield i;
    });
    const auto check = [](auto results) {
        const auto read = [&] {
            for (int x : results)
                if (x == 3) results.cancel();
        };
        CHECK_THROWS_AS(read(), CancelledError);
        CHECK_THROWS_AS(read(), CancelledError);
    };
    check(source.results());
    check(source.results(inline_run));
}

TEST_CASE("destroying unread results drops the error of their run", "[results][errors]") {
    const Stage<void, int> source([]() -> generator<int> {
        co_yield 1;
        throw std::runtime_error("unheard");
    });
    CHECK_NOTHROW([&] {
        for (int x : source.results()) {
            if (x == 1) break;
        }
    }());
}

// ---- statistics -----------------------------------------------------------------------------

TEST_CASE("stats count the items of each worker, and the fill of the queues", "[results][stats]") {
    const bool ordered = GENERATE(false, true);
    auto twice = stage({.workers = 3, .qsize = 8, .ordered = ordered},
                       [](Input<int> in) -> generator<int> {
                           for (int x : in) {
                               co_yield x;
                               co_yield x;
                           }
                       });
    auto results = (std::views::iota(0, 1000) | twice).results();
    long sum = 0;
    for (int x : results) sum += x;
    CHECK(sum == 999 * 1000);

    const Statistics all = results.stats();
    CHECK(all.has_ended);
    CHECK(all.elapsed.count() > 0);
    CHECK(all.consumer.items == 2000);
    REQUIRE(all.stages.size() == 2);
    const StageStatistics& source = all.stages[0];
    const StageStatistics& doubled = all.stages[1];
    CHECK(source.is_range);
    CHECK(source.items_in == 0);
    CHECK(source.items_out == 1000);
    CHECK(doubled.items_in == 1000);
    CHECK(doubled.items_out == 2000);
    CHECK(doubled.is_ordered == ordered);
    REQUIRE(doubled.each.size() == 3);
    std::uint64_t in = 0;
    for (const WorkerStatistics& worker : doubled.each) {
        in += worker.items_in;
        CHECK(worker.items_out == 2 * worker.items_in);
        CHECK_FALSE(worker.is_running);
        CHECK(worker.busy.count() > 0);
    }
    CHECK(in == 1000);
    REQUIRE(doubled.queue.has_value());
    CHECK(doubled.queue->capacity == 8);
    CHECK(doubled.queue->fill == 0);
    CHECK(doubled.queue->high_water >= 1);
    CHECK(doubled.queue->high_water <= 8);
    CHECK(doubled.queue->mean_fill <= 8);
}

TEST_CASE("stats count an item when it is read, not when it is taken ahead", "[results][stats]") {
    const std::size_t qsize = GENERATE(1u, 7u, 1024u);
    SECTION("by the consumer, also after a break") {
        const auto numbers = std::views::iota(0, 500) | map_stage({.qsize = qsize}, [](int x) { return x; });
        auto results = numbers.results();
        std::uint64_t seen = 0;
        for ([[maybe_unused]] int x : results) {
            ++seen;
            if (seen % 50 == 1 || seen < 10) CHECK(results.stats().consumer.items == seen);
            if (seen == 77) break;
        }
        CHECK(results.stats().consumer.items == 77);
    }
    SECTION("by a worker, however it reads its items") {
        std::atomic<std::uint64_t> begun{0};
        std::atomic<bool> was_seen_on_its_way{false};
        const auto slow = [&](int x) {
            if (++begun == 30) comes_true([&] { return was_seen_on_its_way.load(); });
            std::this_thread::sleep_for(std::chrono::milliseconds(2));  // a slow worker publishes each count
            return x;
        };
        const auto check = [&](auto stage) {
            begun = 0;
            was_seen_on_its_way = false;
            const auto pipe = std::views::iota(0, 60) | map_stage({.qsize = qsize}, [](int x) { return x; }) |
                              stage | reduce(0, [](int a, int b) { return a + b; });
            auto results = pipe.results();
            CHECK(comes_true([&] {
                const std::uint64_t items = results.stats().stages.at(2).items_in;
                CHECK(items <= begun + 1);  // one item may be current
                if (items > 10 && begun < 50) was_seen_on_its_way = true;
                return begun == 60;
            }));
            CHECK(was_seen_on_its_way);
            for (int sum : results) CHECK(sum == 1770);
            CHECK(results.stats().stages.at(2).items_in == 60);
        };
        check(map_stage(slow));
        check(stage([slow](Input<int> in) -> generator<int> {
            for (int x : in) co_yield slow(x);
        }));
        check(map_stage(slow).partition_by([](int x) { return x % 5; }));
    }
}

TEST_CASE("stats of a keyed stage count the items of each worker", "[results][stats]") {
    auto pass_on = stage({.workers = 2, .qsize = 4}, [](Input<int> in) -> generator<int> {
        for (int x : in) co_yield x;
    }).partition_by([](int x) { return x % 10; });
    auto results = (std::views::iota(0, 500) | pass_on).results();
    long count = 0;
    for ([[maybe_unused]] int x : results) ++count;
    CHECK(count == 500);
    const StageStatistics stage = results.stats().stages[1];
    CHECK(stage.is_keyed);
    CHECK(stage.items_in == 500);
    CHECK(stage.items_out == 500);
}

TEST_CASE("stats show from any thread which workers wait during the run", "[results][stats]") {
    std::latch go(1);
    auto slow = stage({.qsize = 2}, [&go](Input<int> in) -> generator<int> {
        for (int x : in) {
            go.wait();
            co_yield x;
        }
    });
    auto results = (std::views::iota(0, 10000) | slow).results();
    // The source has filled its queue and waits; the stage is busy with its first item.
    const auto waits = [&] {
        const Statistics now = results.stats();
        return now.stages[0].waiting_for_room.count() > 0 && now.stages[0].each[0].is_running &&
               now.stages[1].each[0].is_running && now.stages[1].items_out == 0 && !now.has_ended;
    };
    bool seen = false;
    std::thread looker([&] { seen = comes_true(waits); });
    looker.join();
    CHECK(seen);
    go.count_down();
    results.cancel();
    CHECK(results.stats().has_ended);
}

TEST_CASE(
    "stats show no more items in a queue than its capacity, even if an ordered stage exceeds it to continue",
    "[results][stats]") {
    // Worker 0 claims item 0 and does not read it until worker 1 has reached the bound; then only worker 1 can take
    // item 0, and must exceed the bound.
    constexpr int each = 1000;  // more than the consumer takes at once
    std::atomic<int> yielded{0};
    auto uneven =
        stage({.workers = 2, .qsize = 2, .ordered = true}, [&](Input<int> in) -> generator<int> {
            if (this_worker::index() == 0) {
                if (in.begin() == in.end()) co_return;
                yielded = 1;
                comes_true([&] { return yielded == 2; });
                co_return;
            }
            comes_true([&] { return yielded != 0; });
            for (int x : in)
                for (int i = 0; i < each; ++i) {
                    co_yield x;
                    ++yielded;
                }
        });
    auto results = (std::views::iota(0, 2) | uneven).results();
    const auto queue = [&results] { return *results.stats().stages.back().queue; };
    std::size_t fill = 0;
    int count = 0;
    for ([[maybe_unused]] int x : results) {
        if (++count != each) continue;
        // After the results of item 0, all results of item 1 arrive at once.
        comes_true([&] { return queue().fill >= 2; });
        fill = queue().fill;
    }
    CHECK(count == 2 * each);
    CHECK(fill == 2);
    CHECK(queue().high_water == 2);
    CHECK(queue().mean_fill <= 2);
}

TEST_CASE("stats of a changing queue show its fill at one moment", "[results][stats]") {
    const bool ordered = GENERATE(false, true);
    auto pass = map_stage({.workers = 2, .qsize = 4, .ordered = ordered}, [](int x) { return x; });
    auto results = (std::views::iota(0, 50'000) | pass).results();
    std::atomic<bool> has_ended{false};
    std::size_t most = 0;
    std::thread looking([&] {
        while (!has_ended) most = std::max(most, results.stats().stages.back().queue->fill);
    });
    for ([[maybe_unused]] int x : results) continue;
    has_ended = true;
    looking.join();
    CHECK(most <= 4);
}

TEST_CASE("items that workers take from their siblings count once", "[results][stats]") {
    auto uneven = stage({.workers = 4}, [](Input<int> in) -> generator<int> {
        for (int x : in) {
            if (x % 500 == 499) std::this_thread::sleep_for(std::chrono::milliseconds(2));
            co_yield x;
        }
    });
    auto results = (std::views::iota(0, 20000) | uneven).results();
    long count = 0;
    for ([[maybe_unused]] int x : results) ++count;
    CHECK(count == 20000);
    CHECK(results.stats().stages[1].items_in == 20000);
}

}  // namespace results_tests
