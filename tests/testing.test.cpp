#include <parallelpipe/testing.hpp>

#include "support/catch.hpp"

#include <parallelpipe.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// testing.hpp: results_of, runs with delays, repeat and seeds.
namespace testing_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using testing::Delays;
using testing::repeat;
using testing::results_of;
using testing::run_with_delays;
using testing::sorted;

namespace {

using Numbers = std::vector<int>;

generator<int> add_n(Input<int> in, int n) {
    for (const int x : in) co_yield x + n;
}
generator<int> count_to(int n) {
    for (int i = 0; i < n; ++i) co_yield i;
}
void sum_up(Input<int> in, std::atomic<int>& to) {
    for (const int x : in) to += x;
}
generator<int> fail_at(Input<int> in, int bad) {
    for (const int x : in) {
        if (x == bad) throw std::invalid_argument("bad");
        co_yield x;
    }
}
/// Yields the difference of each item to the preceding one; correct only if one worker reads all items.
generator<int> differences(Input<int> in) {
    int before = 0;
    for (const int x : in) {
        co_yield x - before;
        before = x;
    }
}
/// Yields numbers from a shared counter; two workers at the same time may yield the same number.
generator<int> numbered(Input<int> in, std::atomic<int>& next) {
    for ([[maybe_unused]] const int x : in) {
        const int number = next;
        co_yield number;
        next = number + 1;
    }
}
generator<int> worker_of(Input<int> in) {
    for ([[maybe_unused]] const int x : in) co_yield static_cast<int>(this_worker::index());
}

struct Scale {
    int by;
    generator<int> all(Input<int> in) const {
        for (const int x : in) co_yield x* by;
    }
};

/// Returns: 0, 1, ..., n - 1.
Numbers first(int n) {
    Numbers numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

std::string what_of(const std::function<void()>& run) {
    try {
        run();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("results_of calls a stage function with a range and its arguments", "[testing]") {
    CHECK(results_of(&add_n, Numbers{1, 2, 3}, 7) == Numbers{8, 9, 10});
    CHECK(results_of(&add_n, Numbers{}, 7).empty());
    CHECK(results_of(&count_to, 3) == Numbers{0, 1, 2});
    CHECK(results_of(&Scale::all, Numbers{1, 2}, Scale{10}) == Numbers{10, 20});
    const Numbers kept{1, 2};
    CHECK(results_of(&add_n, kept | std::views::reverse, 1) == Numbers{3, 2});

    std::atomic<int> sum = 0;
    results_of(&sum_up, kept, std::ref(sum));
    CHECK(sum == 3);
    // A generic function gets the element type of the range.
    const auto range = [](auto in) {
        return std::move(in) | std::views::transform([](auto x) { return x + x; });
    };
    CHECK(results_of(range, std::vector<std::string>{"a"}) == std::vector<std::string>{"aa"});
}

TEST_CASE("results_of a function passes on its exception; results_of a stage throws a TaskException",
          "[testing]") {
    CHECK_THROWS_AS(results_of(&fail_at, Numbers{1, 2}, 2), std::invalid_argument);
    CHECK(what_of([] {
              results_of(stage({.name = "f"}, &fail_at), Numbers{1, 2}, 2);
          }) == "The task \"f-0\" raised std::invalid_argument: bad");
}

TEST_CASE("results_of runs stages and pipelines without threads", "[testing]") {
    const auto add_one = map_stage({.workers = 4}, [](int x) { return x + 1; });
    const auto chain = Stage(&add_n, 2) | Stage(&differences);
    CHECK(results_of(Stage(&add_n, 2), Numbers{1, 2}) == Numbers{3, 4});
    CHECK(results_of(stage(&add_n), Numbers{1, 2}, 2) == Numbers{3, 4});
    CHECK(results_of(add_one, Numbers{1, 2}) == Numbers{2, 3});
    CHECK(results_of(map_stage([](auto x) { return x + 1; }), Numbers{1, 2}) == Numbers{2, 3});
    CHECK(results_of(chain, Numbers{1, 2, 5}) == Numbers{3, 1, 3});
    CHECK(results_of(Stage(&count_to, 3)) == Numbers{0, 1, 2});
    CHECK(results_of(Stage(&count_to, 3) | chain) == Numbers{2, 1, 1});
    std::atomic<int> sum = 0;
    results_of(Stage(&sum_up, std::ref(sum)), Numbers{1, 2});
    CHECK(sum == 3);
}

TEST_CASE("a run with delays neither loses nor adds items", "[testing]") {
    repeat(5, [](std::uint64_t seed) {
        const Delays delays{.seed = seed, .longest = 100us};
        const Numbers input = first(40);
        const Numbers added = sorted(run_with_delays(delays, &add_n, input, 1));
        REQUIRE(added == results_of(&add_n, input, 1));
        REQUIRE(sorted(run_with_delays(delays, Stage(&add_n, 1), input)) == added);
        REQUIRE(sorted(run_with_delays(delays, map_stage([](auto x) { return x + 1; }), input)) ==
                added);
        REQUIRE(run_with_delays(delays, Stage(&add_n, 3) | Stage(&differences), first(3)) ==
                Numbers{3, 1, 1});
        REQUIRE(sorted(run_with_delays(delays, &count_to, 2)) == Numbers{0, 0, 0, 1, 1, 1});
        REQUIRE(run_with_delays(delays, Stage(&count_to, 3)) == Numbers{0, 1, 2});
        std::atomic<int> sum = 0;
        run_with_delays(delays, &sum_up, input, std::ref(sum));
        REQUIRE(sum == 780);
    });
}

TEST_CASE("delays find a function that expects to read every item", "[testing]") {
    const Numbers input = first(30);
    const auto is_right = [&](std::uint64_t seed) {
        return sorted(run_with_delays({.seed = seed}, &differences, input)) ==
               sorted(results_of(&differences, input));
    };
    CHECK_THROWS_AS(repeat(20, is_right), testing::SeedFailure);
}

TEST_CASE("delays find a test that expects results in order, and ordered stages keep it",
          "[testing]") {
    const Numbers input = first(30);
    const auto is_right = [&](std::uint64_t seed) {
        return run_with_delays({.seed = seed}, &add_n, input, 0) == input;
    };
    CHECK_THROWS_AS(repeat(20, is_right), testing::SeedFailure);
    repeat(5, [&](std::uint64_t seed) {
        return run_with_delays({.seed = seed, .ordered = true}, &add_n, input, 0) == input &&
               run_with_delays({.seed = seed, .workers = 2},
                               Stage(&add_n, 0).setup({.ordered = true}), input) == input;
    });
}

TEST_CASE("delays find data that two workers change at the same time", "[testing]") {
    const Numbers input = first(30);
    const auto is_right = [&](std::uint64_t seed) {
        std::atomic<int> next = 0;
        return sorted(run_with_delays({.seed = seed}, &numbered, input, std::ref(next))) == input;
    };
    CHECK_THROWS_AS(repeat(20, is_right), testing::SeedFailure);
    // With one worker the same function passes.
    repeat(2, [&](std::uint64_t seed) {
        std::atomic<int> next = 0;
        return run_with_delays({.seed = seed, .workers = 1}, &numbered, input, std::ref(next)) ==
               input;
    });
}

TEST_CASE("a stage keeps its settings in a run with delays, unless the delays set others",
          "[testing]") {
    // A source runs once in each worker.
    const auto one = Stage(&count_to, 1);
    CHECK(run_with_delays({}, &count_to, 1) == Numbers{0, 0, 0});
    CHECK(run_with_delays({}, one) == Numbers{0});
    CHECK(run_with_delays({.workers = 5}, one) == Numbers(5, 0));

    const auto more = Stage(&add_n, 1).setup({.workers = 2, .name = "more"});
    const auto stages =
        (first(3) | testing::with_delays({.qsize = 3}, more)).results().stats().stages;
    CHECK(stages.size() == 2);
    CHECK(stages[1].name == "more");
    CHECK(stages[1].workers == 2);
    CHECK(stages[1].queue->capacity == 3);
    CHECK_THROWS_AS(run_with_delays({.workers = 0}, one), std::invalid_argument);
    CHECK_THROWS_AS(run_with_delays({.workers = 2}, Pipeline(one)), std::invalid_argument);
}

TEST_CASE("a stage with delays keeps its key, its policies and its name", "[testing]") {
    auto keyed = Stage(&worker_of).setup({.workers = 3}).partition_by([](int x) { return x % 7; });
    const Numbers input(40, 5);
    const Numbers indices = run_with_delays({}, keyed, input);
    CHECK(std::ranges::count(indices, indices.at(0)) == 40);

    auto parse = map_stage({.workers = 2, .on_error = OnError::skip}, [](int x) {
        if (x % 2) throw std::invalid_argument("odd");
        return x;
    });
    CHECK(sorted(run_with_delays({}, parse, first(6))) == Numbers{0, 2, 4});
    auto fails = Stage(&fail_at, 0).setup({.name = "parse"});
    CHECK(what_of([&] { run_with_delays({}, fails, first(3)); }) ==
          "The task \"parse-0\" raised std::invalid_argument: bad");
    CHECK(what_of([&] { run_with_delays({.workers = 1}, &fail_at, first(3), 0); }) ==
          "The task \"tested-0\" raised std::invalid_argument: bad");
}

TEST_CASE("the same seed gives a worker the same delays, another seed or worker others",
          "[testing]") {
    const auto delays = [](std::uint64_t seed, std::size_t worker,
                           std::chrono::nanoseconds longest = 200us) {
        detail::delay_sequence sequence({.seed = seed, .longest = longest},
                                        detail::delay_place::item, worker);
        std::vector<std::chrono::nanoseconds> made;
        for (int i = 0; i < 200; ++i) made.push_back(sequence.next());
        return made;
    };
    CHECK(delays(7, 1) == delays(7, 1));
    CHECK(delays(7, 1) != delays(7, 2));
    CHECK(delays(7, 1) != delays(8, 1));
    CHECK(delays(7, 1) != delays(7 + (1ULL << 32U), 1));
    CHECK(std::ranges::max(delays(7, 1)) <= 200us);
    CHECK(std::ranges::max(delays(7, 1)) > 20us);
    CHECK(std::ranges::max(delays(7, 1, -1us)) == 0ns);
    CHECK(std::ranges::count(delays(7, 1), 0ns) > 50);
}

TEST_CASE("repeat stops at the first failing seed and names it", "[testing]") {
    std::vector<std::uint64_t> seen;
    const auto fails_at_12 = [&](std::uint64_t seed) {
        seen.push_back(seed);
        return seed != 12;
    };
    CHECK(
        what_of([&] { repeat(10, fails_at_12, 10); }) ==
        "parallelpipe: with seed 12 the test failed (PARALLELPIPE_SEED=12 in the environment runs "
        "that seed alone)");
    CHECK(seen == std::vector<std::uint64_t>{10, 11, 12});
    seen.clear();
    repeat(3, fails_at_12);
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3});

    const auto throws = [](std::uint64_t) { throw std::out_of_range("far"); };
    CHECK(what_of([&] {
              repeat(3, throws, 5);
          }).starts_with("parallelpipe: with seed 5 the test threw std::out_of_range: far ("));
    try {
        repeat(3, throws, 5);
    } catch (const testing::SeedFailure& failure) {
        CHECK(failure.seed() == 5);
        CHECK_THROWS_AS(std::rethrow_if_nested(failure), std::out_of_range);
    }
}

#if defined(__unix__)
TEST_CASE("a seed from the environment runs alone", "[testing]") {
    const char* const set = std::getenv("PARALLELPIPE_SEED");
    const std::string before = set ? set : "";
    std::vector<std::uint64_t> seen;
    ::setenv("PARALLELPIPE_SEED", "77", 1);
    repeat(10, [&](std::uint64_t seed) { seen.push_back(seed); });
    if (set)
        ::setenv("PARALLELPIPE_SEED", before.c_str(), 1);
    else
        ::unsetenv("PARALLELPIPE_SEED");
    CHECK(seen == std::vector<std::uint64_t>{77});
}
#endif

}  // namespace testing_tests
