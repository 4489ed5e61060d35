#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

namespace stages_throttle_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::listed;

namespace {

using clock_type = std::chrono::steady_clock;

template <class Pipeline>
clock_type::duration time_of(const Pipeline& pipeline) {
    const auto begin = clock_type::now();
    pipeline.execute();
    return clock_type::now() - begin;
}

/// When each result came, from before the first could.
template <class Pipeline>
std::vector<clock_type::duration> times_of(const Pipeline& pipeline) {
    std::vector<clock_type::duration> times;
    const auto begin = clock_type::now();
    pipeline.for_each([&](auto&) { times.push_back(clock_type::now() - begin); });
    return times;
}

}  // namespace

TEST_CASE("throttle lets items pass one by one, at its rate", "[throttle]") {
    CHECK(listed(std::vector{1, 2, 3} | throttle({100, 1s})) == std::vector{1, 2, 3});
    const auto spent = time_of(std::views::iota(0, 11) | throttle({100, 1s}));
    CHECK(spent >= 100ms);
    CHECK(spent < support::longest_wait);
    CHECK(time_of(std::views::iota(0, 11) | throttle(100.0)) >= 100ms);
    CHECK(time_of(std::views::iota(0, 3) | throttle({.name = "t"}, {1, 50ms})) >= 100ms);
}

TEST_CASE("throttle lets a burst pass at once, and then its rate", "[throttle]") {
    const auto spent = time_of(std::views::iota(0, 20) | throttle({100, 1s}, 10));
    CHECK(spent >= 100ms);
    CHECK(spent < support::longest_wait);
    CHECK(time_of(std::views::iota(0, 100) | throttle({1, 1h}, 100)) < support::longest_wait);
}

TEST_CASE("throttle never lets more pass in any time than the burst and its rate", "[throttle]") {
    const auto times = times_of(std::views::iota(0, 60) | throttle({200, 1s}, 4));
    REQUIRE(times.size() == 60);
    // Item k not before (k - 3) * 5 ms, however late the machine is.
    for (std::size_t k = 4; k < times.size(); ++k)
        CHECK(times[k] >= (static_cast<int>(k) - 3) * 5ms);
}

TEST_CASE("throttle saves up no more than its burst in a pause", "[throttle]") {
    auto pause = tap([](int x) {
        if (x == 5) std::this_thread::sleep_for(200ms);  // worth 20 items
    });
    const auto begin = clock_type::now();
    (std::views::iota(0, 16) | pause | throttle({100, 1s}, 2)).execute();
    // 5 items in 40 ms less the burst, the pause, and 11 more: the first two at once.
    CHECK(clock_type::now() - begin >= 200ms + 90ms);
}

TEST_CASE("throttle keeps a high rate exactly although the machine wakes it late", "[throttle]") {
    // Every single wait is late by some 50 us; 2000 of them would add up to 100 ms and more.
    // Other work on the machine may take a run more than that, but not all of them.
    CHECK(support::comes_true([] {
        const auto spent = time_of(std::views::iota(0, 2001) | throttle({10000, 1s}));
        CHECK(spent >= 200ms);
        return spent < 200ms * (1 + 4 * support::slowness);
    }));
}

TEST_CASE("throttle works on move-only items", "[throttle]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    CHECK((std::views::iota(0, 5) | make | throttle({1000, 1s})).collect().size() == 5);
}

TEST_CASE("throttle begins each run anew", "[throttle]") {
    const auto pipeline = std::views::iota(0, 3) | throttle({1, 1h}, 3);
    const auto begin = clock_type::now();
    for (int run = 0; run < 3; ++run) CHECK(pipeline.collect().size() == 3);
    CHECK(clock_type::now() - begin < support::longest_wait);
}

TEST_CASE("throttled stages, runs and functions share a limit", "[throttle]") {
    RateLimit limit({100, 1s});
    const auto begin = clock_type::now();
    SECTION("two stages of a pipeline") {
        CHECK((std::views::iota(0, 6) | throttle(limit) | throttle({.name = "again"}, limit)).collect().size() == 6);
    }
    SECTION("two runs, one after the other") {
        const auto pipeline = std::views::iota(0, 6) | throttle(limit);
        CHECK(pipeline.collect().size() == 6);
        CHECK(pipeline.collect().size() == 6);
    }
    SECTION("two runs at once") {
        const auto pipeline = std::views::iota(0, 6) | throttle(limit);
        auto results = pipeline.results();
        CHECK(pipeline.collect().size() == 6);
        CHECK(support::listed(std::views::iota(0, 1) | stage([&](Input<int>) -> generator<int> {
                  for (int x : results) co_yield x;
              })).size() == 6);
    }
    SECTION("a stage and a function") {
        auto map = map_stage([limit](int x) {
            limit.wait();
            return x;
        });
        CHECK((std::views::iota(0, 6) | throttle(limit) | map).collect().size() == 6);
    }
    CHECK(clock_type::now() - begin >= 110ms);
}

TEST_CASE("the example of throttle with a RateLimit", "[throttle]") {
    const std::vector<int> urls{1, 2};
    const std::vector<int> more_urls{3};
    const auto fetch = [](int x) { return 10 * x; };
    RateLimit limit({100, 1s});
    auto first = urls | throttle(limit) | map_stage(fetch);
    auto second = more_urls | throttle(limit) | map_stage(fetch);  // both together: 100 in a second
    CHECK(listed(first) == std::vector{10, 20});
    CHECK(listed(second) == std::vector{30});
}

TEST_CASE("throttle wakes at once when the run stops", "[throttle]") {
    const auto pipeline = std::views::iota(0) | throttle({1, 24h});
    const auto begin = clock_type::now();
    SECTION("by leaving") {
        auto results = pipeline.results();
        CHECK(*results.begin() == 0);
        support::give_it_a_chance();
    }
    SECTION("by cancel") {
        auto results = pipeline.results();
        CHECK(*results.begin() == 0);
        results.cancel();
    }
    SECTION("by a stop_token") {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS(pipeline.execute(stop.get_token()), CancelledError);
    }
    SECTION("by a later stage that wants no more") {
        CHECK(listed(pipeline | take(1)) == std::vector{0});
    }
    CHECK(clock_type::now() - begin < support::longest_wait);
}

TEST_CASE("throttle refuses rates that are none", "[throttle]") {
    CHECK_THROWS_AS(throttle({0, 1s}), std::invalid_argument);
    CHECK_THROWS_AS(throttle({1, 0s}), std::invalid_argument);
    CHECK_THROWS_AS(throttle({1, -1s}), std::invalid_argument);
    CHECK_THROWS_AS(throttle(0.0), std::invalid_argument);
    CHECK_THROWS_AS(throttle(-1.0), std::invalid_argument);
    CHECK_THROWS_AS(throttle(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    CHECK_THROWS_AS(throttle({1, 1s}, 0), std::invalid_argument);
    CHECK_THROWS_AS(throttle({static_cast<std::size_t>(-1), 1s}), std::invalid_argument);
    CHECK_THROWS_AS(throttle({1, 1s}, static_cast<std::size_t>(-1)), std::invalid_argument);
    CHECK_THROWS_AS(throttle({.workers = 2}, RateLimit(100.0)), std::invalid_argument);
    CHECK_THROWS_AS(throttle({.workers = 2}, {1, 1s}), std::invalid_argument);
    CHECK(listed(std::vector{1, 2} | throttle(std::numeric_limits<double>::infinity())).size() == 2);
}

}  // namespace stages_throttle_tests
