// Compares the library with the Python package parallelpipe, its model: good behaviour is kept, known defects are
// absent.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <latch>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace contract_ancestor_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::comes_true;

namespace {

generator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) co_yield i;
}
generator<int> endless() {
    for (int i = 0;; ++i) co_yield i;
}
generator<int> add(Input<int> items, int n) {
    for (int x : items) co_yield x + n;
}
generator<int> sum_up(Input<int> items) {
    int sum = 0;
    for (int x : items) sum += x;
    co_yield sum;
}

template <class Pipe>
std::vector<int> collect(const Pipe& pipe) {
    std::vector<int> all;
    for (int x : pipe.results()) all.push_back(x);
    return all;
}

template <class Pipe>
std::vector<int> sorted(const Pipe& pipe) {
    auto all = collect(pipe);
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

// ---- good behaviour ------------------------------------------------------------------------------

TEST_CASE("a stage may yield 0, 1 or many results per item", "[contract][ancestor]") {
    auto repeat = stage([](Input<int> items) -> generator<int> {
        for (int x : items)
            for (int i = 0; i < x; ++i) co_yield x;
    });
    CHECK(collect(std::vector{0, 1, 3} | repeat) == std::vector{1, 3, 3, 3});
}

TEST_CASE("a reducer with N workers yields N partial results", "[contract][ancestor]") {
    const auto partial = collect(std::views::iota(1, 101) | Stage(sum_up).setup({.workers = 4}));
    CHECK(partial.size() == 4);
    int sum = 0;
    for (int p : partial) sum += p;
    CHECK(sum == 5050);
    CHECK((std::views::iota(1, 101) | Stage(sum_up).setup({.workers = 4}) | Stage(sum_up))
              .execute() == 5050);
}

TEST_CASE("a producer with N workers runs N times, a range on the left is read once",
          "[contract][ancestor]") {
    CHECK(sorted(Stage(numbers, 3).setup({.workers = 2})) == std::vector{0, 0, 1, 1, 2, 2});
    CHECK(sorted(std::views::iota(0, 3) | Stage(add, 0).setup({.workers = 5})) ==
          std::vector{0, 1, 2});
}

TEST_CASE("a sink runs, and so does a stage without results", "[contract][ancestor]") {
    std::atomic<int> seen{0};
    (std::views::iota(0, 10) | stage([&](Input<int> items) {
         for ([[maybe_unused]] int x : items) ++seen;
     })).execute();
    CHECK(seen == 10);
    CHECK(collect(std::views::iota(0, 10) | stage([&](Input<int> items) -> generator<int> {
                      for ([[maybe_unused]] int x : items) ++seen;
                      co_return;
                  }))
              .empty());
    CHECK(seen == 20);
}

TEST_CASE("a method of an object works as a stage", "[contract][ancestor]") {
    struct Counter {
        int step;
        generator<int> count(Input<int> items) {
            for (int x : items) co_yield step* x;
        }
    };
    CHECK(collect(std::vector{1, 2} | Stage(&Counter::count, Counter{3})) == std::vector{3, 6});
}

TEST_CASE("pipes and stages can be used again, in several pipelines and after errors",
          "[contract][ancestor]") {
    std::atomic<bool> fail{false};
    const Stage step = stage([&](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (fail) throw std::runtime_error("no");
            co_yield x;
        }
    });
    const auto one = std::vector{1, 2} | step;
    const auto two = one | Stage(add, 1) | step;
    CHECK(collect(one) == std::vector{1, 2});
    CHECK(collect(two) == std::vector{2, 3});
    fail = true;
    CHECK_THROWS_AS(one.execute(), TaskException);
    CHECK_THROWS_AS(two.execute(), TaskException);
    fail = false;
    CHECK(collect(one) == std::vector{1, 2});
    CHECK(collect(two) == std::vector{2, 3});
}

TEST_CASE("a stage that starts late loses no item", "[contract][ancestor]") {
    std::latch source_done(1);
    auto source = stage({.qsize = 0}, [&]() -> generator<int> {
        for (int i = 0; i < 100; ++i) co_yield i;
        source_done.count_down();
    });
    auto late = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        source_done.wait();
        for (int x : items) co_yield x;
    });
    CHECK(collect(source | late).size() == 100);
}

TEST_CASE("a worker that starts when all items are taken ends normally", "[contract][ancestor]") {
    std::latch all_taken(1);
    auto work = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        if (this_worker::index() == 1) all_taken.wait();
        for (int x : items) {
            co_yield x;
            if (x == 99) all_taken.count_down();
        }
        co_yield -1;
    });
    CHECK(collect(std::views::iota(0, 100) | work).size() == 102);
}

TEST_CASE("a stage and a pipeline can be printed", "[contract][ancestor]") {
    const auto fetch = Stage(add, 0).setup({.workers = 4, .name = "fetch"});
    const auto titles = Stage(add, 0).setup({.workers = 2, .name = "get_titles"});
    const auto pipe = std::vector{1} | fetch | titles;
    CHECK(to_string(fetch) == "fetch(x4)");
    CHECK(to_string(pipe) == "source | fetch(x4) | get_titles(x2)");
    std::ostringstream out;
    out << fetch << "; " << pipe;
    CHECK(out.str() == "fetch(x4); source | fetch(x4) | get_titles(x2)");
}

// ---- known defects -------------------------------------------------------------------------------

TEST_CASE("a break does not hang", "[contract][ancestor]") {
    int count = 0;
    for ([[maybe_unused]] int x :
         (Stage(endless).setup({.qsize = 1}) | Stage(add, 1).setup({.workers = 3, .qsize = 1}))
             .results())
        if (++count == 10) break;
    CHECK(count == 10);
}

TEST_CASE("a stage that returns early does not block the stages before it", "[contract][ancestor]") {
    auto first_two = stage([](Input<int> items) -> generator<int> {
        int n = 0;
        for (int x : items) {
            co_yield x;
            if (++n == 2) co_return;
        }
    });
    CHECK(collect(Stage(endless).setup({.workers = 2, .qsize = 1}) |
                  Stage(add, 1).setup({.workers = 2, .qsize = 1}) | first_two)
              .size() == 2);
}

TEST_CASE("the end of one producer ends no worker while other producers yield",
          "[contract][ancestor]") {
    // Three of four producers end at once; all four workers must still run.
    constexpr int workers = 4;
    std::latch others_done(workers - 1);
    std::latch all_workers(workers);
    auto source = stage({.workers = workers}, [&]() -> generator<int> {
        if (this_worker::index() != 0) {
            others_done.count_down();
            co_return;
        }
        others_done.wait();
        support::give_it_a_chance();
        for (int i = 0; i < workers; ++i) co_yield i;
    });
    auto meet = stage({.workers = workers}, [&](Input<int> items) -> generator<int> {
        for (int x : items) {
            all_workers.arrive_and_wait();
            co_yield x;
        }
    });
    CHECK(collect(source | meet).size() == workers);
}

TEST_CASE("a failed worker does not consume the input of its siblings", "[contract][ancestor]") {
    // The run stops: neither the failed worker nor its siblings take further items.
    std::atomic<int> produced{0};
    auto source = stage({.qsize = 1}, [&]() -> generator<int> {
        for (int i = 0;; ++i) {
            ++produced;
            co_yield i;
        }
    });
    auto fail = stage({.workers = 2}, [](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == 3) throw std::runtime_error("three");
            co_yield x;
        }
    });
    CHECK_THROWS_AS((source | fail).execute(), TaskException);
    const int at_end = produced;
    support::give_it_a_chance();
    CHECK(produced == at_end);
}

TEST_CASE("an infinite source ends after an error", "[contract][ancestor]") {
    auto fail = map_stage([](int x) {
        if (x == 1000) throw std::runtime_error("stop");
        return x;
    });
    CHECK_THROWS_AS((Stage(endless) | fail | Stage(add, 1)).execute(), TaskException);
}

TEST_CASE("the message of several errors contains more than one text", "[contract][ancestor]") {
    std::latch both(2);
    auto fail = stage({.workers = 2, .name = "bad"}, [&](Input<int> items) {
        for (int x : items) {
            both.arrive_and_wait();
            if (x == 0) throw std::invalid_argument("zero");
            throw std::out_of_range("one");
        }
    });
    try {
        (std::vector{0, 1} | fail).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        REQUIRE(e.errors().size() == 2);
        std::vector<std::string> messages{e.errors()[0].message(), e.errors()[1].message()};
        std::sort(messages.begin(), messages.end());
        CHECK(messages ==
              std::vector<std::string>{"std::invalid_argument: zero", "std::out_of_range: one"});
        CHECK(e.errors()[0].task() != e.errors()[1].task());
    }
}

TEST_CASE("the queue after a range on the left is bounded", "[contract][ancestor]") {
    std::atomic<long> read{0};
    auto range = std::views::iota(0) | std::views::transform([&](int i) {
                     ++read;
                     return i;
                 });
    auto results = (range | Stage(add, 0).setup({.qsize = 1})).results();
    long before = -1;
    CHECK(comes_true([&] {
        support::give_it_a_chance();
        return std::exchange(before, read.load()) == read.load() && read > 0;
    }));
    CHECK(read <= 1024 + 4);  // the bound, and one item in each of four threads
}

TEST_CASE("setup with qsize alone does not change the number of workers", "[contract][ancestor]") {
    auto step = Stage(add, 0).setup({.workers = 4, .name = "step"});
    step.setup({.qsize = 5});
    CHECK(to_string(step) == "step(x4)");
}

TEST_CASE("a call of a stage and operator| do not change their operands", "[contract][ancestor]") {
    const auto add_n = stage([](Input<int> items, int n) -> generator<int> {
        for (int x : items) co_yield x + n;
    });
    const auto one = add_n(1);
    const auto two = add_n(2);
    const auto pipe = std::vector{0} | one;
    (void)(pipe | two);
    (void)(pipe | one | two);
    CHECK(collect(pipe) == std::vector{1});
    CHECK(collect(pipe | two) == std::vector{3});
    CHECK(collect(std::vector{0} | one) == std::vector{1});
}

TEST_CASE("iterable | pipeline and stage | pipeline work", "[contract][ancestor]") {
    const auto pipe = Stage(add, 1) | Stage(add, 2);
    CHECK(collect(std::vector{0} | pipe) == std::vector{3});
    CHECK(collect(Stage(numbers, 2) | pipe) == std::vector{3, 4});
}

TEST_CASE("two runs of one pipeline at the same time do not affect each other", "[contract][ancestor]") {
    const auto pipe = std::views::iota(0, 1000) | Stage(add, 0).setup({.qsize = 2});
    auto one = pipe.results();
    auto two = pipe.results();
    auto a = one.begin();
    auto b = two.begin();
    bool same = true;
    for (int i = 0; i < 1000; ++i, ++a, ++b) same = same && *a == i && *b == i;
    CHECK(same);
    CHECK(a == one.end());
    CHECK(b == two.end());
}

TEST_CASE("the end of a run is not polled with sleeps", "[contract][ancestor]") {
    // With polling ten times a second, a short run would last a tenth of a second and ten runs a second. On a loaded
    // machine some rounds take as long, but not all.
    const auto pipe = std::vector{1, 2, 3} | Stage(add, 0) | Stage(add, 1);
    CHECK(comes_true([&] {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 10; ++i) CHECK(pipe.execute() == 4);
        return std::chrono::steady_clock::now() - start < 200ms * support::slowness;
    }));
}

}  // namespace contract_ancestor_tests
