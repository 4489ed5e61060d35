#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Stage functions and their settings: the forms of a stage function, arguments, workers, names, this_worker.
namespace contract_setup_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

generator<int> add(Input<int> items, int n) {
    for (int x : items) co_yield x + n;
}
generator<int> source(int first, int last) {
    for (int i = first; i < last; ++i) co_yield i;
}
std::vector<int> doubled(Input<int> items) {
    std::vector<int> all;
    for (int x : items) all.push_back(2 * x);
    return all;
}

struct Adder {
    int n = 0;
    generator<int> produce() {
        for (int i = 0; i < n; ++i) co_yield i;
    }
    generator<int> add(Input<int> items, int m) const {
        for (int x : items) co_yield x + n + m;
    }
    void drain(Input<int> items, std::atomic<int>& sum) {
        for (int x : items) sum += x * n;
    }
};

template <class Pipe>
std::vector<int> collect(const Pipe& pipe) {
    std::vector<int> all;
    for (int x : pipe.results()) all.push_back(x);
    return all;
}

const std::vector three{1, 2, 3};

/// Returns: the number of workers of a stage when it runs.
template <class Settings>
std::size_t workers_of(Settings&& settings) {
    std::atomic<std::size_t> started{0};
    auto count = stage([&](Input<int> items) {
        ++started;
        for ([[maybe_unused]] int x : items) {
        }
    });
    (three | settings(count)).execute();
    return started;
}

}  // namespace

// ---- the forms of a stage function -------------------------------------------------------------

TEST_CASE("every form of a stage function runs", "[contract][setup]") {
    CHECK(collect(three | Stage(add, 7)) == std::vector{8, 9, 10});
    CHECK(collect(Stage(source, 3, 6)) == std::vector{3, 4, 5});
    CHECK(collect(three | Stage(doubled)) == std::vector{2, 4, 6});
    std::atomic<int> sum{0};
    (three | Stage([&](Input<int> items) {
         for (int x : items) sum += x;
     })).execute();
    CHECK(sum == 6);
    auto view = stage([](Input<int> items) {
        return std::move(items) | std::views::transform([](int x) { return x + 1; });
    });
    CHECK(collect(three | view) == std::vector{2, 3, 4});
}

TEST_CASE("the Input is taken by value, by lvalue or by rvalue reference", "[contract][setup]") {
    const auto by_value = [](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    };
    const auto by_lvalue = [](Input<int>& items) -> generator<int> {
        for (int x : items) co_yield x;
    };
    const auto by_rvalue = [](Input<int>&& items) -> generator<int> {
        for (int x : items) co_yield x;
    };
    CHECK(collect(three | Stage(by_value)) == three);
    CHECK(collect(three | Stage(by_lvalue)) == three);
    CHECK(collect(three | Stage(by_rvalue)) == three);
    CHECK(collect(three | stage({.workers = 2}, by_lvalue)).size() == 3);
}

TEST_CASE("item types can be named where they cannot be deduced", "[contract][setup]") {
    const auto generic = [](auto items, auto n) -> generator<int> {
        for (auto x : items) co_yield static_cast<int>(x + n);
    };
    CHECK(collect(three | Stage<int, int>(generic, 5)) == std::vector{6, 7, 8});
    CHECK(collect(three | stage([](auto items) -> generator<int> {
                      for (auto& x : items) co_yield x;
                  })) == three);
    CHECK(collect(three | map_stage([](auto x) { return x + 1; })) == std::vector{2, 3, 4});
    CHECK(collect(std::vector<std::string>{"a"} | map_stage([](const auto& x) {
                      return static_cast<int>(x.size());
                  })) == std::vector{1});
}

TEST_CASE("a member function is a stage, its object the first argument", "[contract][setup]") {
    CHECK(collect(Stage(&Adder::produce, Adder{3})) == std::vector{0, 1, 2});
    CHECK(collect(three | Stage(&Adder::add, Adder{10}, 100)) == std::vector{111, 112, 113});
    Adder shared{5};
    CHECK(collect(three | Stage(&Adder::add, std::ref(shared), 0)) == std::vector{6, 7, 8});
    CHECK(collect(three | Stage(&Adder::add, &shared, 0)) == std::vector{6, 7, 8});
    CHECK(collect(three | Stage(&Adder::add, std::make_shared<Adder>(Adder{5}), 0)) ==
          std::vector{6, 7, 8});
    std::atomic<int> sum{0};
    (three | Stage(&Adder::drain, Adder{2}, std::ref(sum))).execute();
    CHECK(sum == 12);
}

TEST_CASE("stage(f) can be used as it is or called with arguments, and does not change",
          "[contract][setup]") {
    const auto add_n = stage({.workers = 1}, [](Input<int> in, int n) -> generator<int> {
        for (int x : in) co_yield x + n;
    });
    const auto seven = add_n(7);
    STATIC_REQUIRE(std::is_same_v<std::remove_const_t<decltype(seven)>, Stage<int, int>>);
    const auto eight = add_n(8);
    CHECK(collect(three | seven) == std::vector{8, 9, 10});
    CHECK(collect(three | eight) == std::vector{9, 10, 11});
    CHECK(collect(three | add_n(7) | add_n(1)) == std::vector{9, 10, 11});
    const auto times = map_stage([](int x, int n) { return x * n; });
    CHECK(collect(three | times(7)) == std::vector{7, 14, 21});
    CHECK(collect(three | times(2)) == std::vector{2, 4, 6});
    CHECK(collect(stage(source)(0, 2)) == std::vector{0, 1});
    CHECK(collect(three | map_stage({.workers = 1}, [](int x) { return -x; })) ==
          std::vector{-1, -2, -3});
}

TEST_CASE("arguments are bound when they are given", "[contract][setup]") {
    int n = 1;
    const Stage early(add, n);
    const auto also = stage(add)(n);
    n = 100;
    CHECK(collect(three | early) == std::vector{2, 3, 4});
    CHECK(collect(three | also) == std::vector{2, 3, 4});
    std::string text = "abc";
    const Stage moved(
        [](Input<int> items, const std::string& s) -> generator<int> {
            for (int x : items) co_yield x + static_cast<int>(s.size());
        },
        std::move(text));
    CHECK(collect(three | moved) == std::vector{4, 5, 6});
    CHECK(collect(three | moved) == std::vector{4, 5, 6});
}

TEST_CASE("a stage function can be called without a pipeline", "[contract][setup]") {
    std::vector<int> all;
    for (int x : add(Input<int>(std::vector{1, 2, 3}), 7)) all.push_back(x);
    CHECK(all == std::vector{8, 9, 10});
    CHECK(doubled(Input<int>(three)) == std::vector{2, 4, 6});
    CHECK(this_worker::index() == 0);
    CHECK(this_worker::stage_name().empty());
    CHECK(!this_worker::stop_token().stop_requested());
}

// ---- settings ----------------------------------------------------------------------------------

TEST_CASE("workers is the number of threads of a stage, by default 1", "[contract][setup]") {
    CHECK(workers_of([](auto s) { return s; }) == 1);
    CHECK(workers_of([](auto s) { return s.setup({.workers = 5}); }) == 5);
}

TEST_CASE("setup changes only the settings that it names, and can be chained", "[contract][setup]") {
    CHECK(workers_of([](auto s) { return s.setup({.workers = 3}).setup({.qsize = 5}); }) == 3);
    CHECK(workers_of([](auto s) { return s.setup({.workers = 3}).setup({}); }) == 3);
    auto named = Stage(add, 0).setup({.workers = 2, .qsize = 5, .name = "adder"});
    named.setup({.qsize = 1});
    CHECK(to_string(named) == "adder(x2)");
    named.setup({.name = "other"}).setup({.workers = 3});
    CHECK(to_string(named) == "other(x3)");
    STATIC_REQUIRE(std::is_same_v<decltype(named.setup({})), Stage<int, int>&>);
    auto open = stage([](Input<int> items, int n) -> generator<int> {
                    for (int x : items) co_yield x + n;
                })
                    .setup({.workers = 4})
                    .setup({.name = "open"});
    CHECK(to_string(open(1)) == "open(x4)");
}

TEST_CASE("copies of a stage do not influence each other", "[contract][setup]") {
    const auto first = Stage(add, 1).setup({.workers = 2, .name = "first"});
    auto second = first;
    second.setup({.workers = 7, .name = "second"});
    CHECK(to_string(first) == "first(x2)");
    CHECK(to_string(second) == "second(x7)");
    CHECK(collect(three | first).size() == 3);
}

TEST_CASE("setting zero workers throws std::invalid_argument at once", "[contract][setup]") {
    Stage step(add, 1);
    CHECK_THROWS_AS(step.setup({.workers = 0}), std::invalid_argument);
    CHECK_THROWS_AS(stage({.workers = 0}, add), std::invalid_argument);
    CHECK_THROWS_AS(map_stage({.workers = 0}, [](int x) { return x; }), std::invalid_argument);
    CHECK(to_string(step.setup({.name = "step"})) == "step(x1)");
    CHECK(collect(three | step) == std::vector{2, 3, 4});
}

TEST_CASE("a stage without a name is called stage_K by its position, a range on the left source",
          "[contract][setup]") {
    const Stage step(add, 0);
    CHECK(to_string(three | step | step) == "source | stage_0(x1) | stage_1(x1)");
    CHECK(to_string(Stage(source, 0, 1) | step) == "stage_0(x1) | stage_1(x1)");
    auto names = stage({.workers = 2}, [](Input<int> items) -> generator<std::string> {
        for ([[maybe_unused]] int x : items) co_yield std::string(this_worker::stage_name());
    });
    for (const std::string& name : (three | step | names).results()) CHECK(name == "stage_1");
    auto called = names;
    called.setup({.name = "called"});
    for (const std::string& name : (three | step | called).results()) CHECK(name == "called");
}

TEST_CASE("a ready-made stage without a name is called by its kind and its position", "[contract][setup]") {
    const auto plus = [](int a, int b) { return a + b; };
    const auto odd = [](int x) { return x % 2 != 0; };
    const auto ignore = [](const auto&) {};
    const auto halves = [](int x) { return std::vector{x, x}; };
    CHECK(
        to_string(three | filter(odd) | take(2) | take_while(odd) | drop(0) | throttle(1e9) |
                  tap(ignore) | batch(2) | unbatch() | batch(2, 1s) |
                  flat_map([](std::vector<int> v) { return v; })) ==
        "source | filter_0(x1) | take_1(x1) | take_while_2(x1) | drop_3(x1) | throttle_4(x1) | tap_5(x1) | "
        "batch_6(x1) | unbatch_7(x1) | batch_8(x1) | flat_map_9(x1)");
    CHECK(to_string(three | enumerate() | for_each({.workers = 2}, ignore)) ==
          "source | enumerate_0(x1) | for_each_1(x2)");
    CHECK(to_string(three | reduce(0, plus) | reduce({.workers = 2}, 0, plus, plus) |
                    map_stage(odd)) ==
          "source | reduce_0(x1) | reduce_1(x2) | combine_2(x1) | stage_3(x1)");
    CHECK(to_string(three | reduce({.name = "sum"}, 0, plus, plus)) ==
          "source | sum(x1) | sum_combine(x1)");
    CHECK(to_string(three | filter(odd).setup({.name = "odd"}) | flat_map(halves)) ==
          "source | odd(x1) | flat_map_1(x1)");
    // Arguments, a key or a handler do not change the name.
    CHECK(to_string(three |
                    filter([](int x, int y) { return x > y; })(1).partition_by(std::identity()) |
                    tap([](int) {}).dead_letter([](std::exception_ptr, int&) {})) ==
          "source | filter_0(x1) | tap_1(x1)");
    CHECK(to_string((three | filter(odd) | filter(odd)).ordered()) ==
          "source | filter_0(x1) | filter_1(x1)");
    CHECK(to_string(three | fuse(filter(odd) | take(1))) == "source | stage_0(x1)");
}

TEST_CASE("errors, statistics, threads and graphs use the name of a ready-made stage",
          "[contract][setup]") {
    const auto throws = [](int) -> bool { throw std::runtime_error("no"); };
    const auto error_of = [](auto run) -> std::string {
        try {
            run();
        } catch (const TaskException& e) {
            return e.what();
        }
        return "no error";
    };
    const Pipeline failing = three | take(3) | filter(throws);
    const std::string no = "-0\" raised std::runtime_error: no";
    CHECK(error_of([&] { failing.execute(); }) == "The task \"filter_1" + no);
    CHECK(error_of([&] { failing.execute(inline_run); }) == "The task \"filter_1" + no);
    CHECK(error_of([&] {
              (three | fuse(filter([](int) { return true; }) | take(3) | filter(throws))).execute();
          }) == "The task \"stage_0.filter_2" + no);
    CHECK(
        error_of([&] {
            (three | fuse({.name = "f"}, map_stage(std::negate<int>()) | filter(throws))).execute();
        }) == "The task \"f.filter_1" + no);
    CHECK(to_dot(failing).find("filter_1") != std::string::npos);
    std::string called;
    auto results = (three | tap([&](int) { called = this_worker::stage_name(); })).results();
    for ([[maybe_unused]] int x : results) continue;
    CHECK(called == "tap_0");
    CHECK(results.stats().stages[1].name == "tap_0");
    auto inlined = (three | drop(1)).results(inline_run);
    for ([[maybe_unused]] int x : inlined) continue;
    CHECK(inlined.stats().stages[1].name == "drop_0");
}

// ---- this_worker -------------------------------------------------------------------------------

TEST_CASE("each worker has an index from 0", "[contract][setup]") {
    std::mutex mutex;
    std::multiset<std::size_t> indices;
    auto note = stage({.workers = 4}, [&](Input<int> items) {
        {
            const std::lock_guard lock(mutex);
            indices.insert(this_worker::index());
        }
        for ([[maybe_unused]] int x : items) {
        }
    });
    (three | note).execute();
    CHECK(indices == std::multiset<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("a source with N workers runs N times and can split the work by index",
          "[contract][setup]") {
    auto split = stage({.workers = 3}, []() -> generator<int> {
        for (int i = static_cast<int>(this_worker::index()); i < 9; i += 3) co_yield i;
    });
    auto all = collect(split);
    std::sort(all.begin(), all.end());
    CHECK(all == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("code before the loop sets a worker up, code after it runs at the end of the input",
          "[contract][setup]") {
    std::atomic<int> set_up{0};
    auto sums = stage({.workers = 4}, [&](Input<int> items) -> generator<int> {
        ++set_up;
        int sum = 0;
        for (int x : items) sum += x;
        co_yield sum;
    });
    const auto partial = collect(std::views::iota(0, 1000) | sums);
    CHECK(set_up == 4);
    CHECK(partial.size() == 4);
    int total = 0;
    for (int x : partial) total += x;
    CHECK(total == 499500);
}

}  // namespace contract_setup_tests
