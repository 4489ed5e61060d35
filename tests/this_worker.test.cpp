#include <parallelpipe/this_worker.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <latch>
#include <ranges>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// this_worker: index, stage name and stop_token of the current worker.
namespace this_worker_tests {

using namespace parallelpipe;
using support::wait_for_stop;

TEST_CASE("outside of a pipeline this_worker returns defaults", "[this_worker]") {
    CHECK(this_worker::index() == 0);
    CHECK(this_worker::stage_name().empty());
    CHECK_FALSE(this_worker::stop_token().stop_possible());
    CHECK_FALSE(this_worker::stop_token().stop_requested());
}

TEST_CASE("each worker of a stage has an index of its own", "[this_worker]") {
    std::latch all_here(4);
    auto indices = stage({.workers = 4}, [&all_here](Input<int> items) -> generator<std::size_t> {
        all_here.arrive_and_wait();
        for ([[maybe_unused]] int x : items) continue;
        co_yield this_worker::index();
    });
    const auto pipe = std::vector{1, 2} | indices;
    std::vector<std::size_t> seen;
    for (std::size_t index : pipe.results()) seen.push_back(index);
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("the index splits the work of a source with several workers", "[this_worker]") {
    const Stage source = stage({.workers = 3}, []() -> generator<int> {
        for (int i = static_cast<int>(this_worker::index()); i < 30; i += 3) co_yield i;
    });
    std::vector<int> seen;
    for (int x : source.results()) seen.push_back(x);
    std::sort(seen.begin(), seen.end());
    std::vector<int> expected(30);
    for (int i = 0; i < 30; ++i) expected[static_cast<std::size_t>(i)] = i;
    CHECK(seen == expected);
}

TEST_CASE("this_worker returns the name of the stage in every kind of callable", "[this_worker]") {
    auto first = stage({.name = "first"}, []() -> generator<std::string> {
        co_yield std::string(this_worker::stage_name());
    });
    auto second = map_stage([](const std::string& so_far) {
        return so_far + ' ' + std::string(this_worker::stage_name());
    });
    std::string last;
    std::string at_the_sink;
    auto sink = stage({.name = "sink"}, [&](Input<std::string> items) {
        for (std::string& text : items) last = text;
        at_the_sink = this_worker::stage_name();
    });
    (first | second | sink).execute();
    CHECK(last == "first stage_1");
    CHECK(at_the_sink == "sink");
}

TEST_CASE("the consumer's thread is no worker while a pipeline runs", "[this_worker]") {
    const auto pipe = std::vector{1, 2, 3} | map_stage([](int x) { return x; });
    for ([[maybe_unused]] int x : pipe.results()) CHECK(this_worker::stage_name().empty());
}

TEST_CASE("a pipeline inside a stage has workers of its own", "[this_worker]") {
    auto outer = map_stage({.name = "outer"}, [](int x) {
        const auto inner = std::vector{x} | map_stage({.name = "inner"}, [](int) {
                               return std::string(this_worker::stage_name());
                           });
        return inner.execute() + '/' + std::string(this_worker::stage_name());
    });
    CHECK((std::vector{1} | outer).execute() == "inner/outer");
}

TEST_CASE("the stop_token is triggered when the consumer leaves", "[this_worker]") {
    std::atomic<int> stopped{0};
    std::atomic<bool> too_early{false};
    std::latch looked(2);  // both workers start before the consumer leaves
    auto source = stage({.workers = 2}, [&]() -> generator<int> {
        if (this_worker::stop_token().stop_requested()) too_early = true;
        looked.arrive_and_wait();
        if (this_worker::index() == 0) co_yield 1;
        wait_for_stop();
        ++stopped;
    });
    for (int x : source.results()) {
        CHECK(x == 1);
        break;
    }
    CHECK_FALSE(too_early);
    // Worker 1 has yielded nothing, so this worker certainly waits.
    CHECK(stopped >= 1);
}

TEST_CASE("the stop_token is triggered when a stage throws", "[this_worker]") {
    std::atomic<bool> stopped{false};
    std::latch waiting(1);
    auto source = stage([&]() -> generator<int> {
        co_yield 1;
        waiting.count_down();
        wait_for_stop();
        stopped = this_worker::stop_token().stop_requested();
    });
    auto failing = map_stage([&](int x) -> int {
        waiting.wait();
        throw x;
    });
    CHECK_THROWS_AS((source | failing).execute(), TaskException);
    CHECK(stopped);
}

TEST_CASE("the stop_token is triggered when every later stage has returned", "[this_worker]") {
    std::atomic<bool> stopped{false};
    auto source = stage([&stopped]() -> generator<int> {
        co_yield 1;
        wait_for_stop();
        stopped = true;
    });
    auto first_only = stage([](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x;
            co_return;
        }
    });
    CHECK((source | first_only).execute() == 1);
    CHECK(stopped);
}

TEST_CASE("the stop_token is not triggered in a run that ends normally", "[this_worker]") {
    std::atomic<bool> stopped{false};
    auto pass = stage([&stopped](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
        stopped = this_worker::stop_token().stop_requested();
    });
    CHECK((std::vector{1, 2} | pass | pass).execute() == 2);
    CHECK_FALSE(stopped);
}

}  // namespace this_worker_tests
