#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <memory>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <type_traits>
#include <vector>

// take() and take_while(): the first items.
namespace stages_take_tests {

using namespace parallelpipe;
using support::listed;

TEST_CASE("take passes on the first items and ends the run", "[take]") {
    CHECK(listed(std::views::iota(1) | take(3)) == std::vector{1, 2, 3});
    CHECK(listed(std::vector{1, 2} | take(3)) == std::vector{1, 2});
    CHECK(listed(std::vector{1, 2} | take({.name = "t"}, 2)) == std::vector{1, 2});
    CHECK(listed(std::views::iota(1) | take(0)).empty());
}

TEST_CASE("take stops every stage before it", "[take]") {
    auto pass = map_stage({.workers = 2}, [](int x) { return x; });
    CHECK((std::views::iota(0) | pass | pass | take(100) | pass).collect().size() == 100);
}

TEST_CASE("take does not wait for an item after its last one", "[take]") {
    std::binary_semaphore never(0);
    const Stage source([&never]() -> generator<int> {
        co_yield 1;
        co_yield 2;
        while (!this_worker::stop_token().stop_requested()) never.try_acquire_for(std::chrono::milliseconds(1));
    });
    CHECK(listed(source | take(2)) == std::vector{1, 2});
}

TEST_CASE("take works on move-only items, in several runs", "[take]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    const auto pipeline = std::views::iota(0) | make | take(2);
    CHECK(pipeline.collect().size() == 2);
    CHECK(pipeline.collect().size() == 2);
}

TEST_CASE("take, take_while, drop and enumerate run with one worker", "[take]") {
    const Setup two{.workers = 2};
    CHECK_THROWS_AS(take(two, 1), std::invalid_argument);
    CHECK_THROWS_AS(take_while(two, [](int) { return true; }), std::invalid_argument);
    CHECK_THROWS_AS(drop(two, 1), std::invalid_argument);
    CHECK_THROWS_AS(enumerate(two), std::invalid_argument);
    CHECK_NOTHROW(take({.workers = 1}, 1));
    auto later = take(1);
    later.setup(two);
    CHECK_THROWS_AS((std::vector{1} | later).execute(), TaskException);
}

TEST_CASE("take_while ends the run with the first item that fails its predicate", "[take_while]") {
    CHECK(listed(std::views::iota(1) | take_while([](int x) { return x < 4; })) ==
          std::vector{1, 2, 3});
    CHECK(listed(std::vector{1, 5, 2} | take_while({.name = "t"}, [](auto x) { return x < 4; })) ==
          std::vector{1});
    CHECK(listed(std::vector{1, 2} | take_while([](int) { return true; })) == std::vector{1, 2});
    CHECK(listed(std::vector{1, 2} | take_while([](int) { return false; })).empty());
}

}  // namespace stages_take_tests
