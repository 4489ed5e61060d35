#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <limits>

// wait_strategy and core_contention: when a waiting worker spins, yields its core or sleeps.
namespace detail_wait_strategy_tests {

using namespace std::chrono_literals;
using parallelpipe::detail::core_contention;
using parallelpipe::detail::wait_strategy;
using time = core_contention::clock::time_point;

namespace {

TEST_CASE("a core counts as used by others from the moment when the last worker left it", "[wait_strategy]") {
    core_contention core;
    const time start = core_contention::clock::now();
    core.leave(start);
    CHECK(core.used_by_others(start + 3ms) == 3ms);
    core.leave(start + 2ms);
    CHECK(core.used_by_others(start + 3ms) == 1ms);
    core.work();
    CHECK(core.used_by_others(start + 3ms) == 0ms);
    core.leave(start + 3ms);
    CHECK(core.used_by_others(start + 5ms) == 2ms);
}

TEST_CASE("after another program had the core for long, workers do not yield it for a while", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time now = core_contention::clock::now();
    const int before = wait_strategy().pauses(core);
    CHECK_FALSE(core.avoid_yield());

    core.leave(now - 1h);
    strategy.core_returned(core, now - 1h, now);  // an hour, so the while outlasts the test
    CHECK(core.avoid_yield());
    CHECK_FALSE(core_contention().avoid_yield());  // another core is not affected
    CHECK(strategy.pauses(core) < before);
    CHECK(strategy.pauses(core) > 0);
}

TEST_CASE("workers yield a core again that came back soon", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time now = core_contention::clock::now();
    core.leave(now - wait_strategy::too_long / 2);
    strategy.core_returned(core, now - wait_strategy::too_long / 2, now);
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("workers yield a core again that another worker had for long", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time now = core_contention::clock::now();
    core.leave(now - 1h);
    SECTION("and that worker still runs") { core.work(); }
    SECTION("and that worker left a moment ago") { core.leave(now - wait_strategy::too_long / 2); }
    strategy.core_returned(core, now - 1h, now);
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("workers avoid yielding no longer than the lost time justifies", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time now = core_contention::clock::now();
    core.leave(now - 2h);
    strategy.core_returned(core, now - 2h, now - 2h + wait_strategy::too_long);  // two hours ago
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("workers avoid yielding for longer if a core is lost repeatedly, not if it is lost once", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time back = core_contention::clock::now() - 4h;
    const auto is_lost_for_an_hour = [&] {
        core.leave(back - 1h);
        strategy.core_returned(core, back - 1h, back);
    };
    is_lost_for_an_hour();
    CHECK_FALSE(core.avoid_yield());  // the two hours of avoiding are over
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());

    const auto yields_succeed = [&](int yields) {
        for (int i = 0; i < yields; ++i) {
            core.leave(back);
            strategy.core_returned(core, back, back + 1us);
        }
    };
    yields_succeed(3);  // between two time slices of another program
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());
    yields_succeed(200);  // the other program has ended
    is_lost_for_an_hour();
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("after three waits in a row that end in sleep, spinning is futile", "[wait_strategy]") {
    wait_strategy strategy;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(strategy.spinning_is_futile());
        CHECK(strategy.pauses() > 0);
        strategy.sleeps();
    }
    CHECK(strategy.spinning_is_futile());
    CHECK(strategy.pauses() == 0);
    strategy.spin_succeeded();
    CHECK(strategy.pauses() > 0);
}

TEST_CASE("waits that bring several items at a time still spin before they sleep", "[wait_strategy]") {
    wait_strategy strategy;
    for (int i = 0; i < 9; ++i) {
        CHECK(strategy.pauses() > 0);
        strategy.sleeps();
        strategy.brought(1000);
    }
}

/// Yields so often that `strategy` has spun alone on its core for a millisecond, for `items` items in all.
void pause_alone(wait_strategy& strategy, std::size_t items) {
    core_contention core;
    const time now = core_contention::clock::now();
    for (int i = 0; i < 200; ++i) strategy.core_returned(core, now - 5us, now);
    strategy.brought(items);
}

TEST_CASE("a thread that spins for each item alone on its core sleeps for a while", "[wait_strategy]") {
    wait_strategy strategy;
    CHECK(strategy.sleep_time(1'000) == 0ns);
    pause_alone(strategy, 200);  // 5 us each
    CHECK(strategy.sleep_time(1'000) == wait_strategy::longest_sleep);
    CHECK(strategy.sleep_time(1'000) == 0ns);  // only once
}

TEST_CASE("a timed sleep ends before the other side has to wait", "[wait_strategy]") {
    wait_strategy strategy;
    pause_alone(strategy, 200);
    CHECK(strategy.sleep_time(16) == 40us);  // half of the time of 16 items
    pause_alone(strategy, 200);
    CHECK(strategy.sleep_time(4) == 0ns);
    pause_alone(strategy, 100'000);  // 10 ns each: 1,000 of them arrive soon
    CHECK(strategy.sleep_time(1'000) == 0ns);
    pause_alone(strategy, 200);
    CHECK(strategy.sleep_time(std::numeric_limits<std::size_t>::max()) == wait_strategy::longest_sleep);
}

TEST_CASE("a thread that has slept has not spun alone", "[wait_strategy]") {
    wait_strategy strategy;
    pause_alone(strategy, 200);
    strategy.sleeps();
    CHECK(strategy.sleep_time(1'000) == 0ns);
}

TEST_CASE("a thread does not spin alone if other threads had its core", "[wait_strategy]") {
    core_contention core;
    wait_strategy strategy;
    const time now = core_contention::clock::now();
    core.work();
    for (int i = 0; i < 200; ++i) strategy.core_returned(core, now - 20us, now);
    CHECK(strategy.sleep_time(1'000) == 0ns);
}

}  // namespace
}  // namespace detail_wait_strategy_tests
