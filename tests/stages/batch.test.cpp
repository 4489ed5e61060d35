#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// batch(): collects items into vectors, with a time limit if wanted.
namespace stages_batch_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Counted;
using support::listed;
using support::Tally;

namespace {

using Batches = std::vector<std::vector<int>>;
constexpr auto never = std::chrono::hours(24 * 365 * 200);  // now + never exceeds the range of the clock

/// A source that yields an item for each release of `open`.
struct Tap {
    std::counting_semaphore<> open{0};
    std::atomic<bool> has_ended = false;

    Stage<void, int> source() {
        return Stage<void, int>([this]() -> generator<int> {
            for (int i = 0; !this_worker::stop_token().stop_requested(); ++i) {
                for (;;) {
                    // Checked before the wait, so items released before the end are still yielded.
                    const bool is_over = has_ended || this_worker::stop_token().stop_requested();
                    if (open.try_acquire_for(1ms)) break;
                    if (is_over) co_return;
                }
                co_yield i;
            }
        });
    }
};

}  // namespace

TEST_CASE("batch collects items into vectors; the last one has the remaining items", "[batch]") {
    auto pipeline = std::views::iota(0, 7) | batch(3);
    static_assert(std::is_same_v<decltype(pipeline), Pipeline<void, std::vector<int>>>);
    CHECK(listed(pipeline) == Batches{{0, 1, 2}, {3, 4, 5}, {6}});
    CHECK(listed(std::views::iota(0, 6) | batch(3)) == Batches{{0, 1, 2}, {3, 4, 5}});
    CHECK(listed(std::views::iota(0, 2) | batch({.name = "b"}, 1)) == Batches{{0}, {1}});
    CHECK(listed(std::views::iota(0, 2) | batch(std::numeric_limits<std::size_t>::max())) ==
          Batches{{0, 1}});
    CHECK(listed(std::vector<int>{} | batch(3)).empty());
}

TEST_CASE("each worker of batch collects its own items; no item is lost and no batch is empty",
          "[batch]") {
    const auto check = [](const auto& pipeline) {
        int sum = 0;
        for (const auto& part : pipeline.results()) {
            CHECK_FALSE(part.empty());
            CHECK(part.size() <= 7);
            sum += std::accumulate(part.begin(), part.end(), 0);
        }
        CHECK(sum == 499500);
    };
    check(std::views::iota(0, 1000) | batch({.workers = 3}, 7));
    check(std::views::iota(0, 1000) | batch({.workers = 3}, 7, never));
    check(std::views::iota(0, 1000) | batch({.workers = 3}, 7, 1us));
    check(std::views::iota(0, 1000) | batch({.workers = 3}, 7, 0s));
}

TEST_CASE("batch moves its items", "[batch]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 10; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    CHECK((source | batch(4)).collect().size() == 3);
    CHECK((source | batch(4, never)).collect().size() == 3);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    CHECK((std::views::iota(0, 5) | make | batch(2, never)).collect().size() == 3);
}

TEST_CASE("a batch of 0 items is refused", "[batch]") {
    CHECK_THROWS_AS(batch(0), std::invalid_argument);
    CHECK_THROWS_AS(batch(0, 1s), std::invalid_argument);
}

TEST_CASE("a full batch leaves at once, whatever its time limit", "[batch][timed]") {
    Tap tap;
    auto results = (tap.source() | batch(2, never)).results();
    auto it = results.begin();
    tap.open.release(2);
    CHECK(*it == std::vector{0, 1});
    tap.open.release(2);
    ++it;
    CHECK(*it == std::vector{2, 3});
}

TEST_CASE("the end of the input ends a batch before its time", "[batch][timed]") {
    CHECK(listed(std::views::iota(0, 7) | batch(3, never)) == Batches{{0, 1, 2}, {3, 4, 5}, {6}});
    CHECK(listed(std::vector<int>{} | batch(3, never)).empty());
    Tap tap;
    auto results = (tap.source() | batch(5, never)).results();
    tap.open.release(2);
    tap.has_ended = true;
    CHECK(*results.begin() == std::vector{0, 1});
}

TEST_CASE("a batch leaves at its time limit although the input continues", "[batch][timed]") {
    Tap tap;
    auto results = (tap.source() | batch(1000, 50ms)).results();
    auto it = results.begin();
    const auto begin = std::chrono::steady_clock::now();
    tap.open.release(1);
    CHECK(*it == std::vector{0});
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
    CHECK(std::chrono::steady_clock::now() - begin < support::longest_wait);
    tap.open.release(1);
    ++it;
    CHECK(*it == std::vector{1});
}

TEST_CASE("the time limit of a batch starts with its first item", "[batch][timed]") {
    Tap tap;
    auto results = (tap.source() | batch(1000, 100ms)).results();
    std::this_thread::sleep_for(150ms);  // longer than the limit: no empty batch, and the next limit starts anew
    const auto begin = std::chrono::steady_clock::now();
    tap.open.release(1);
    CHECK(*results.begin() == std::vector{0});
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
}

TEST_CASE("a waiting batch ends at once when the run stops", "[batch][timed]") {
    Tap tap;
    tap.open.release(1);
    const auto pipeline = tap.source() | batch({.workers = 2}, 1000, never);
    const auto begin = std::chrono::steady_clock::now();
    SECTION("by leaving") {
        auto results = pipeline.results();
        support::give_it_a_chance();
    }
    SECTION("by cancel") {
        auto results = pipeline.results();
        support::give_it_a_chance();
        results.cancel();
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    SECTION("by a stop_token") {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS(pipeline.execute(stop.get_token()), CancelledError);
    }
    CHECK(std::chrono::steady_clock::now() - begin < support::longest_wait);
}

TEST_CASE("a timed batch that is blocked at its output can be left", "[batch][timed]") {
    const auto pipeline = std::views::iota(0) | batch({.workers = 2, .qsize = 1}, 3, 1ms);
    for (int i = 0; i < 20; ++i) {
        auto results = pipeline.results();
        CHECK_FALSE(results.begin()->empty());
        std::this_thread::yield();
    }
    CHECK((std::views::iota(0) | batch(3, never) | take(100)).collect().size() == 100);
}

TEST_CASE("a timed batch cannot be ordered with several workers", "[batch][timed]") {
    CHECK_THROWS_AS(listed(std::views::iota(0, 3) | batch({.workers = 2, .ordered = true}, 2, never)),
                    TaskException);
    CHECK(listed(std::views::iota(0, 3) | batch({.ordered = true}, 2, never)) == Batches{{0, 1}, {2}});
}

TEST_CASE("an error before a timed batch stops it", "[batch][timed]") {
    auto fail = map_stage({.name = "fail"}, [](int x) {
        if (x == 10) throw std::runtime_error("ten");
        return x;
    });
    try {
        (std::views::iota(0) | fail | batch(1000, never)).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.task() == "fail-0");
        CHECK(e.errors().size() == 1);
    }
}

TEST_CASE("a timed batch takes no more items while its output is blocked", "[batch][timed]") {
    std::atomic<int> made = 0;
    auto count = map_stage({.qsize = 1}, [&made](int x) { return ++made, x; });
    auto results = (std::views::iota(0) | count | batch({.qsize = 1}, 2, never)).results();
    static_cast<void>(*results.begin());
    support::give_it_a_chance();
    support::give_it_a_chance();
    // 2 items are in the consumer's batch, 2 in the queue, 2 in the worker's batch, 1 that its reader has
    // taken, 1 in the queue before it and 1 in the worker before that.
    CHECK(made <= 10);
}

}  // namespace stages_batch_tests
