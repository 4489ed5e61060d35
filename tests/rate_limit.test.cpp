#include <parallelpipe/rate_limit.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rate_limit_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::listed;

namespace {

using clock_type = std::chrono::steady_clock;

std::string message_of(void (*make)()) {
    try {
        make();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing was thrown";
}

std::string fetch(const std::string& url) { return "page of " + url; }

}  // namespace

TEST_CASE("a RateLimit lets calls pass one by one, at its rate", "[rate_limit]") {
    const auto begin = clock_type::now();
    RateLimit limit({100, 1s});
    for (int i = 0; i < 11; ++i) limit.wait();
    CHECK(clock_type::now() - begin >= 100ms);
    CHECK(clock_type::now() - begin < support::longest_wait);
    const RateLimit per_second(100.0);
    for (int i = 0; i < 3; ++i) per_second.wait();
    CHECK(clock_type::now() - begin >= 120ms);
}

TEST_CASE("a RateLimit lets a burst pass at once", "[rate_limit]") {
    RateLimit limit({1, 1h}, 5);
    const auto begin = clock_type::now();
    for (int i = 0; i < 5; ++i) limit.wait();
    CHECK(clock_type::now() - begin < support::longest_wait);
    CHECK_FALSE([&] {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        return limit.wait(stop.get_token());
    }());
}

TEST_CASE("copies of a RateLimit share one limit, also with what was moved from", "[rate_limit]") {
    RateLimit limit({100, 1s});
    RateLimit copy(limit);
    RateLimit moved(std::move(copy));
    RateLimit assigned(1.0);
    assigned = moved;
    const auto begin = clock_type::now();
    for (int i = 0; i < 3; ++i)
        for (const RateLimit* one : {&limit, &copy, &moved, &assigned}) one->wait();
    CHECK(clock_type::now() - begin >= 110ms);
}

TEST_CASE("threads share a RateLimit, and never more pass than its burst and its rate", "[rate_limit]") {
    RateLimit limit({500, 1s}, 3);
    std::mutex mutex;
    std::vector<clock_type::duration> times;
    const auto begin = clock_type::now();
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, limit] {
                for (int i = 0; i < 25; ++i) {
                    limit.wait();
                    const auto time = clock_type::now() - begin;
                    const std::lock_guard lock(mutex);
                    times.push_back(time);
                }
            });
    }
    REQUIRE(times.size() == 100);
    std::sort(times.begin(), times.end());
    // Number k not before (k - 2) * 2 ms, however late the machine is.
    for (std::size_t k = 3; k < times.size(); ++k) CHECK(times[k] >= (static_cast<int>(k) - 2) * 2ms);
}

TEST_CASE("threads pass a RateLimit in the order in which they came", "[rate_limit]") {
    RateLimit limit({1, 1h});
    limit.wait();
    // Nothing passes now. Of threads that stand in line, a stop ends one after the other, the first one last.
    std::vector<std::stop_source> stops(4);
    std::atomic<int> ended{0};
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < stops.size(); ++t)
            threads.emplace_back([&, t] {
                if (!limit.wait(stops[t].get_token())) ++ended;
            });
        support::give_it_a_chance();
        for (const std::size_t t : {2U, 0U, 3U, 1U}) stops[t].request_stop();
    }
    CHECK(ended == 4);

    // A thread may be late on its way to its place, but not each time.
    CHECK(support::comes_true([] {
        RateLimit slow({20, 1s});
        slow.wait();
        std::mutex mutex;
        std::vector<int> order;
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 4; ++t) {
                threads.emplace_back([&, t] {
                    slow.wait();
                    const std::lock_guard lock(mutex);
                    order.push_back(t);
                });
                std::this_thread::sleep_for(10ms);
            }
        }
        return order == std::vector{0, 1, 2, 3};
    }));
}

TEST_CASE("a wait that was stopped leaves no gap in the rate", "[rate_limit]") {
    RateLimit limit({1, 1h}, 2);
    limit.wait();
    std::stop_source stopped;
    stopped.request_stop();
    CHECK_FALSE(limit.wait(stopped.get_token()));
    const auto begin = clock_type::now();
    CHECK(limit.wait(std::stop_token()));  // the second of the burst is still there
    CHECK(clock_type::now() - begin < support::longest_wait);

    RateLimit slow({10, 1s});
    slow.wait();
    const auto first = clock_type::now();
    std::atomic<int> ended{0};
    {
        std::stop_source stop;
        std::vector<std::jthread> threads;
        for (int t = 0; t < 20; ++t)
            threads.emplace_back([&] {
                if (!slow.wait(stop.get_token())) ++ended;
            });
        support::give_it_a_chance();
        stop.request_stop();
    }
    // Those that passed meanwhile count, the others do not.
    slow.wait();
    CHECK(clock_type::now() - first < (30 - ended.load()) * 100ms + support::longest_wait / 100);
}

TEST_CASE("a stage function that waits at a RateLimit ends at once when the run stops", "[rate_limit]") {
    RateLimit limit({1, 24h});
    auto waits = map_stage({.workers = 3}, [limit](int x) {
        limit.wait();
        return x;
    });
    const auto begin = clock_type::now();
    SECTION("by leaving") {
        auto results = (std::views::iota(0) | waits).results();
        CHECK(results.begin() != results.end());
    }
    SECTION("by a stop_token") {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS((std::views::iota(0) | waits).execute(stop.get_token()), CancelledError);
    }
    SECTION("by a later stage that wants no more") {
        CHECK(listed(std::views::iota(0) | waits | take(1)).size() == 1);
    }
    SECTION("by an error of a sibling") {
        auto fails = map_stage([](int x) {
            support::give_it_a_chance();
            if (x == 5) throw std::runtime_error("five");
            return x;
        });
        CHECK_THROWS_AS((std::views::iota(0) | fails | waits).execute(), TaskException);
    }
    SECTION("inside a fused stage") {
        auto fused = fuse({.workers = 2}, std::views::iota(0) | waits | tap([](int) {}));
        CHECK(listed(fused | take(1)).size() == 1);
    }
    SECTION("of a run without threads") {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS((std::views::iota(0) | waits).execute(inline_run, stop.get_token()), CancelledError);
    }
    SECTION("where it waits with a stop of its own") {
        auto waits_too = stage([limit](Input<int> items) -> generator<int> {
            const std::stop_source never;
            for (int x : items)
                if (limit.wait(never.get_token())) co_yield x;
        });
        CHECK(listed(std::views::iota(0) | waits_too | take(1)).size() == 1);
    }
    CHECK(clock_type::now() - begin < support::longest_wait);
}

TEST_CASE("a dead-letter handler that waits at a RateLimit ends at once, and without an error", "[rate_limit]") {
    RateLimit limit({1, 24h});
    limit.wait();
    auto odd = map_stage({.workers = 2}, [](int x) {
                   if (x >= 2) throw std::runtime_error("from 2 on");
                   return x;
               }).dead_letter([limit](std::exception_ptr, int&) { limit.wait(); });
    const auto begin = clock_type::now();
    SECTION("when a later stage wants no more") {
        CHECK(listed(std::views::iota(0) | odd | take(2)).size() == 2);
    }
    SECTION("by a stop_token, in a run without threads") {
        std::stop_source stop;
        std::jthread stopper([&] {
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS((std::views::iota(0) | odd).execute(inline_run, stop.get_token()), CancelledError);
    }
    CHECK(clock_type::now() - begin < support::longest_wait);
}

TEST_CASE("a run that was stopped leaves a RateLimit as it is for the next one", "[rate_limit]") {
    RateLimit limit({20, 1s});
    auto waits = map_stage({.workers = 4}, [limit](int x) {
        limit.wait();
        return x;
    });
    for (int run = 0; run < 3; ++run) CHECK(listed(std::views::iota(0) | waits | take(2)).size() == 2);
    const auto begin = clock_type::now();
    limit.wait();
    CHECK(clock_type::now() - begin < support::longest_wait);
}

TEST_CASE("a function waits at a RateLimit for each attempt of a retry", "[rate_limit]") {
    RateLimit limit({100, 1s});
    std::atomic<int> attempts{0};
    auto flaky = map_stage({.workers = 2, .retry = Retry{.times = 2, .backoff = 0ms}},
                           [limit, &attempts](int x) {
                               limit.wait();
                               if (++attempts % 3 != 0) throw std::runtime_error("not yet");
                               return x;
                           });
    const auto begin = clock_type::now();
    int came = 0;
    try {
        for (int x : (std::views::iota(0, 4) | flaky).results()) {
            static_cast<void>(x);
            ++came;
        }
    } catch (const TaskException&) {
    }
    CHECK(came <= 4);
    CHECK(clock_type::now() - begin >= (attempts.load() - 1) * 10ms);
    CHECK(attempts.load() >= 4);
}

TEST_CASE("the example of RateLimit", "[rate_limit]") {
    const std::vector<std::string> urls{"a", "b"};
    RateLimit limit({100, 1s});
    auto fetched = map_stage({.workers = 4, .retry = Retry{.times = 2}},
                             [limit](const std::string& url) { limit.wait(); return fetch(url); });
    CHECK(support::sorted(urls | fetched) == std::vector<std::string>{"page of a", "page of b"});
}

TEST_CASE("a RateLimit refuses rates that are none, and says what to write", "[rate_limit]") {
    CHECK_THROWS_AS(RateLimit({0, 1s}), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit({1, 0s}), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit({1, -1s}), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit({static_cast<std::size_t>(-1), 1s}), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit(0.0), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit(-1.0), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    CHECK_THROWS_AS(RateLimit({1, 1s}, static_cast<std::size_t>(-1)), std::invalid_argument);
    CHECK(message_of([] { RateLimit limit({0, 1s}); }) ==
          "parallelpipe: the rate of RateLimit is not positive; write RateLimit({100, 1s}), or RateLimit(100.0) for "
          "100 items a second");
    CHECK(message_of([] { RateLimit limit({1, 1s}, 0); }) ==
          "parallelpipe: the burst of RateLimit is 0; a burst of 1 lets items leave one by one");
    const RateLimit none(std::numeric_limits<double>::infinity());
    for (int i = 0; i < 1000; ++i) none.wait();
}

}  // namespace rate_limit_tests
