#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Stage: the forms of a stage function, bound arguments, state, generic callables, copies.
namespace stage_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

template <class Runnable>
auto sorted_results(const Runnable& runnable) {
    auto results = runnable.results();
    std::vector<typename decltype(results)::value_type> all;
    for (auto& item : results) all.push_back(std::move(item));
    std::sort(all.begin(), all.end());
    return all;
}

generator<int> add_one(Input<int> items) {
    for (int x : items) co_yield x + 1;
}

generator<int> add(Input<int> items, int n) {
    for (int x : items) co_yield x + n;
}

generator<int> count_to(int end) {
    for (int i = 1; i <= end; ++i) co_yield i;
}

struct Item {
    int value = 0;
};

struct Counter {
    int step = 1;

    generator<int> produce() const {
        for (int i = 1; i <= 3; ++i) co_yield i * step;
    }
    generator<int> scale(Input<int> items) {
        for (int x : items) co_yield x * step;
    }
    generator<int> scale_and_add(Input<int> items, int n) const {
        for (int x : items) co_yield x * step + n;
    }
};

}  // namespace

// ---- the forms of a stage function ----------------------------------------------------------

TEST_CASE("a program may use the namespace and call its own class Item", "[stage]") {
    auto doubled = map_stage([](const Item& item) { return Item{2 * item.value}; });
    CHECK((std::vector<Item>{{1}, {2}} | doubled).execute().value == 4);
}

TEST_CASE("a stage function may be a function pointer", "[stage]") {
    CHECK(sorted_results(std::vector{1, 2} | Stage(add_one)) == std::vector{2, 3});
    CHECK(sorted_results(std::vector{1, 2} | Stage(&add_one)) == std::vector{2, 3});
    CHECK(sorted_results(std::vector{1, 2} | stage(add_one)) == std::vector{2, 3});
    static_assert(std::is_same_v<decltype(Stage(add_one)), Stage<int, int>>);
}

TEST_CASE("a stage function may yield none, one or several results for an item", "[stage]") {
    auto repeat = stage([](Input<int> items) -> generator<int> {
        for (int x : items)
            for (int i = 0; i < x; ++i) co_yield x;
    });
    CHECK(sorted_results(std::vector{0, 1, 2, 3} | repeat) == std::vector{1, 2, 2, 3, 3, 3});
}

TEST_CASE("a stage function may reduce its input to one result", "[stage]") {
    auto sum = stage([](Input<int> items) -> generator<int> {
        int total = 0;
        for (int x : items) total += x;
        co_yield total;
    });
    CHECK((std::views::iota(0, 100) | sum).execute() == 4950);
}

TEST_CASE("a stage function without an Input is a source", "[stage]") {
    const Stage source(count_to, 3);
    static_assert(std::is_same_v<decltype(source), const Stage<void, int>>);
    CHECK(sorted_results(source) == std::vector{1, 2, 3});
    CHECK(sorted_results(stage(count_to)(2)) == std::vector{1, 2});

    auto unbound = stage([]() -> generator<int> { co_yield 9; });
    static_assert(std::is_same_v<decltype(unbound), Stage<void, int>>);
    CHECK(unbound.execute() == 9);
}

TEST_CASE("a source with several workers runs its function once in each", "[stage]") {
    auto source = stage({.workers = 3}, [](int end) -> generator<std::size_t> {
        for (int i = 0; i < end; ++i) co_yield this_worker::index();
    });
    CHECK(sorted_results(source(2)) == std::vector<std::size_t>{0, 0, 1, 1, 2, 2});
}

TEST_CASE("a stage function may return any input range by value", "[stage]") {
    auto reversed = stage([](Input<int> items) {
        std::vector<int> all;
        for (int x : items) all.push_back(x);
        std::reverse(all.begin(), all.end());
        return all;
    });
    static_assert(std::is_same_v<decltype(reversed), Stage<int, int>>);
    std::vector<int> seen;
    for (int x : (std::vector{1, 2, 3} | reversed).results()) seen.push_back(x);
    CHECK(seen == std::vector{3, 2, 1});
}

TEST_CASE("a stage function may return a view of its Input", "[stage]") {
    auto even_halves = stage([](Input<int> items) {
        return std::move(items) | std::views::filter([](int x) { return x % 2 == 0; }) |
               std::views::transform([](int x) { return x / 2.0; });
    });
    static_assert(std::is_same_v<decltype(even_halves), Stage<int, double>>);
    CHECK(sorted_results(std::vector{1, 2, 3, 6} | even_halves) == std::vector{1.0, 3.0});
}

TEST_CASE("a container that a stage function returns is moved from, not copied", "[stage]") {
    Tally tally;
    {
        auto collect = stage([](Input<Counted> items) {
            std::vector<Counted> all;
            for (Counted& x : items) all.push_back(std::move(x));
            return all;
        });
        std::vector<Counted> from;
        for (int i = 0; i < 5; ++i) from.emplace_back(tally, i);
        const auto source = Stage<void, Counted>(
            [](Tally& t) -> generator<Counted> {
                for (int i = 0; i < 5; ++i) co_yield Counted(t, i);
            },
            std::ref(tally));
        int sum = 0;
        for (const Counted& item : (source | collect).results()) sum += item.value;
        CHECK(sum == 10);
        CHECK(tally.copies == 0);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("a stage function that returns void is a sink", "[stage]") {
    std::atomic<int> sum{0};
    auto add_up = stage({.workers = 2}, [&sum](Input<int> items) {
        for (int x : items) sum += x;
    });
    static_assert(std::is_same_v<decltype(add_up), Stage<int, void>>);
    (std::views::iota(0, 101) | add_up).execute();
    CHECK(sum == 5050);
}

TEST_CASE("the Input may be taken by value, by reference and by rvalue reference", "[stage]") {
    auto value = stage([](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    auto reference = stage([](Input<int>& items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    auto rvalue = stage([](Input<int>&& items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    static_assert(std::is_same_v<decltype(value), Stage<int, int>>);
    static_assert(std::is_same_v<decltype(reference), Stage<int, int>>);
    static_assert(std::is_same_v<decltype(rvalue), Stage<int, int>>);
    CHECK(sorted_results(std::vector{1, 2, 3} | value | reference | rvalue) ==
          std::vector{1, 2, 3});

    std::atomic<int> sum{0};
    auto sink = stage([&sum](Input<int>& items) {
        for (int x : items) sum += x;
    });
    (std::vector{1, 2, 3} | sink).execute();
    auto rvalue_sink = stage([&sum](Input<int>&& items) {
        for (int x : items) sum += x;
    });
    (std::vector{1, 2, 3} | rvalue_sink).execute();
    CHECK(sum == 12);
}

TEST_CASE("a stage function may be noexcept", "[stage]") {
    std::atomic<int> sum{0};
    auto sink = stage([&sum](Input<int> items) noexcept {
        for (int x : items) sum += x;
    });
    (std::vector{1, 2, 3} | sink).execute();
    CHECK(sum == 6);
    auto map = stage([](Input<int> items) noexcept -> generator<int> {
        for (int x : items) co_yield x;
    });
    CHECK(sorted_results(std::vector{1, 2} | map) == std::vector{1, 2});
}

TEST_CASE("a member function is a stage with its object as the first argument", "[stage]") {
    CHECK(sorted_results(Stage(&Counter::produce, Counter{5})) == std::vector{5, 10, 15});
    CHECK(sorted_results(std::vector{1, 2} | Stage(&Counter::scale, Counter{3})) ==
          std::vector{3, 6});
    CHECK(sorted_results(std::vector{1, 2} | Stage(&Counter::scale_and_add, Counter{3}, 1)) ==
          std::vector{4, 7});
    CHECK(sorted_results(std::vector{1, 2} | stage(&Counter::scale)(Counter{4})) ==
          std::vector{4, 8});
}

TEST_CASE("a member function works on a shared object through a pointer or std::ref", "[stage]") {
    Counter counter{2};
    CHECK(sorted_results(std::vector{1, 2} | Stage(&Counter::scale, &counter)) ==
          std::vector{2, 4});
    CHECK(sorted_results(std::vector{1, 2} | Stage(&Counter::scale, std::ref(counter))) ==
          std::vector{2, 4});
    CHECK(sorted_results(Stage(&Counter::produce, std::make_shared<Counter>(Counter{7}))) ==
          std::vector{7, 14, 21});
}

TEST_CASE("a stage function may be a std::function", "[stage]") {
    const std::function<generator<int>(Input<int>)> f = add_one;
    auto made = stage(f);
    static_assert(std::is_same_v<decltype(made), Stage<int, int>>);
    CHECK(sorted_results(std::vector{1, 2} | made) == std::vector{2, 3});
    CHECK(sorted_results(std::vector{1, 2} | Stage(f)) == std::vector{2, 3});
}

TEST_CASE("a callable whose signature cannot be deduced is a stage with types given", "[stage]") {
    const Stage<int, int> bound(std::bind_front(add_one));
    CHECK(sorted_results(std::vector{1, 2} | bound) == std::vector{2, 3});

    const Stage<void, int> source(std::bind_front(count_to, 2));
    CHECK(sorted_results(source) == std::vector{1, 2});

    const Stage<int, int> generic([](auto items) -> generator<int> {
        for (auto x : items) co_yield x * 2;
    });
    CHECK(sorted_results(std::vector{1, 2} | generic) == std::vector{2, 4});
}

TEST_CASE("the results of a stage with given types convert to them", "[stage]") {
    const Stage<int, long> wide(add_one);
    long sum = 0;
    for (const long x : (std::vector{1, 2} | wide).results()) sum += x;
    CHECK(sum == 5);
    const Stage<int, std::string> text([](Input<int> items) -> generator<const char*> {
        for (int x : items) co_yield x > 0 ? "yes" : "no";
    });
    CHECK((std::vector{1} | text).execute() == "yes");
}

TEST_CASE("a function object with a const call operator is a stage function", "[stage]") {
    struct Twice {
        generator<int> operator()(Input<int> items) const {
            for (int x : items) co_yield x * 2;
        }
    };
    auto made = stage(Twice{});
    static_assert(std::is_same_v<decltype(made), Stage<int, int>>);
    CHECK(sorted_results(std::vector{1, 2} | made) == std::vector{2, 4});
}

// ---- bound arguments ------------------------------------------------------------------------

TEST_CASE("stage(f) can be called with arguments and does not change", "[stage]") {
    auto add_n = stage({.workers = 2}, [](Input<int> items, int n) -> generator<int> {
        for (int x : items) co_yield x + n;
    });
    auto add_7 = add_n(7);
    auto add_8 = add_n(8);
    static_assert(std::is_same_v<decltype(add_7), Stage<int, int>>);
    CHECK(sorted_results(std::vector{1, 2} | add_7) == std::vector{8, 9});
    CHECK(sorted_results(std::vector{1, 2} | add_8) == std::vector{9, 10});
    CHECK(sorted_results(std::vector{1, 2} | add_n(0)) == std::vector{1, 2});
}

TEST_CASE("a stage without unbound parameters can be called without arguments", "[stage]") {
    auto same = stage(add_one);
    CHECK(sorted_results(std::vector{1} | same()) == std::vector{2});
}

TEST_CASE("arguments may have any type that converts to the parameters", "[stage]") {
    auto label = stage([](Input<int> items, std::string prefix,
                          double factor) -> generator<std::string> {
        for (int x : items) co_yield prefix + std::to_string(static_cast<int>(x * factor));
    });
    const std::string lvalue = "n";
    CHECK((std::vector{3} | label(lvalue, 2)).execute() == "n6");
    CHECK((std::vector{3} | label("x", 1.0F)).execute() == "x3");

    auto by_reference = stage([](Input<int> items, const std::string& prefix,
                                 const std::vector<int>& numbers) -> generator<std::string> {
        for (int x : items) co_yield prefix + std::to_string(numbers.at(std::size_t(x)));
    });
    CHECK((std::vector{1} | by_reference(lvalue, std::vector{5, 6})).execute() == "n6");
    CHECK((std::vector{3} | Stage(add, 4)).execute() == 7);
}

TEST_CASE("std::ref passes the original object to every worker", "[stage]") {
    const auto f = [](Input<int> items, std::atomic<int>& n) -> generator<int> {
        ++n;
        for (int x : items) co_yield x;
    };
    std::atomic<int> workers{0};
    CHECK(sorted_results(std::vector{1, 2} | Stage(f, std::ref(workers)).setup({.workers = 3})) ==
          std::vector{1, 2});
    CHECK(workers == 3);
    CHECK(sorted_results(std::vector{1, 2} | stage({.workers = 2}, f)(std::ref(workers))) ==
          std::vector{1, 2});
    CHECK(workers == 5);
}

TEST_CASE("std::ref passes the original of a copyable type too", "[stage]") {
    const auto f = [](Input<int> items, int& seen) -> generator<int> {
        for (int x : items) co_yield seen += x;
    };
    int seen = 0;
    CHECK((std::vector{1, 2} | stage(f)(std::ref(seen))).execute() == 3);
    CHECK(seen == 3);
    CHECK((std::vector{1, 2} | Stage(f, std::ref(seen))).execute() == 6);
    CHECK(seen == 6);
}

TEST_CASE("std::cref passes the original object for reading", "[stage]") {
    Tally tally;
    const Counted original(tally, 5);
    const auto f = [](Input<int> items, const Counted& n) -> generator<int> {
        for (int x : items) co_yield x + n.value;
    };
    CHECK((std::vector{1} | stage(f)(std::cref(original))).execute() == 6);
    CHECK((std::vector{1} | Stage(f, std::cref(original))).execute() == 6);
    CHECK(tally.copies == 0);
}

TEST_CASE("every worker of every run gets its own copy of the arguments", "[stage]") {
    std::mutex mutex;
    std::set<const std::vector<int>*> addresses;
    std::latch all_here(3);
    auto work = stage({.workers = 3}, [&](Input<int> items,
                                          std::vector<int>& own) -> generator<int> {
        {
            const std::lock_guard lock(mutex);
            addresses.insert(&own);
        }
        all_here.arrive_and_wait();
        own.push_back(4);  // no race: the copy belongs to this worker
        for ([[maybe_unused]] int x : items) continue;
        co_yield static_cast<int>(own.size());
    });
    const std::vector<int> original{1, 2, 3};
    const auto pipe = std::vector{1, 2, 3} | work(original);
    CHECK(sorted_results(pipe) == std::vector{4, 4, 4});
    CHECK(addresses.size() == 3);
    CHECK(original.size() == 3);
}

TEST_CASE("changes of one run to its arguments do not affect the next run", "[stage]") {
    auto work = stage([](Input<int> items, std::vector<int>& own) -> generator<int> {
        for (int x : items) own.push_back(x);
        co_yield static_cast<int>(own.size());
    });
    const auto pipe = std::vector{1, 2} | work(std::vector<int>());
    CHECK(pipe.execute() == 2);
    CHECK(pipe.execute() == 2);
}

TEST_CASE("arguments and callables live until the run ends, and no longer", "[stage]") {
    Tally tally;
    {
        const Counted captured(tally, 1);
        auto work = stage({.workers = 2}, [captured](Input<int> items,
                                                     const Counted& bound) -> generator<int> {
            for (int x : items) co_yield x + captured.value + bound.value;
        });
        const auto pipe = std::vector{0, 1} | work(Counted(tally, 10));
        const long idle = tally.alive;
        CHECK(sorted_results(pipe) == std::vector{11, 12});
        CHECK(tally.alive == idle);
        for (int x : pipe.results()) {
            CHECK(x >= 11);
            break;
        }
        CHECK(tally.alive == idle);
    }
    CHECK(tally.alive == 0);
}

// ---- state ----------------------------------------------------------------------------------

TEST_CASE("a mutable lambda has a state of its own in each worker", "[stage]") {
    std::latch all_here(3);
    auto work = stage({.workers = 3}, [&all_here,
                                       own = 0](Input<int> items) mutable -> generator<int> {
        all_here.arrive_and_wait();
        for (int x : items) own += x;
        co_yield own;
    });
    const auto pipe = std::views::iota(0, 1000) | work;
    auto results = pipe.results();
    int count = 0;
    int sum = 0;
    for (int x : results) {
        ++count;
        sum += x;
    }
    CHECK(count == 3);
    CHECK(sum == 499500);
}

TEST_CASE("a mutable lambda starts every run in its initial state", "[stage]") {
    auto work = stage([calls = 0](Input<int> items) mutable -> generator<int> {
        for (int x : items) calls += x;
        co_yield calls;
    });
    const auto pipe = std::vector{1, 2} | work;
    CHECK(pipe.execute() == 3);
    CHECK(pipe.execute() == 3);
}

TEST_CASE("a capturing coroutine lambda does not dangle when its stage is a temporary", "[stage]") {
    const auto made = [] {
        const std::string prefix = "a prefix that is too long for the small string optimisation ";
        return std::vector{1, 2} | stage([prefix](Input<int> items) -> generator<std::string> {
                   for (int x : items) co_yield prefix + std::to_string(x);
               });
    }();
    CHECK(made.execute() == "a prefix that is too long for the small string optimisation 2");

    auto results = (std::vector{1, 2} | stage([text = std::string(100, 'x')](
                                                  Input<int> items) -> generator<std::size_t> {
                        for ([[maybe_unused]] int x : items) co_yield text.size();
                    })).results();
    for (std::size_t size : results) CHECK(size == 100);
}

TEST_CASE("code before a worker's loop runs once, code after it runs after the last item",
          "[stage]") {
    auto framed = stage([](Input<int> items) -> generator<int> {
        co_yield -1;
        for (int x : items) co_yield x;
        co_yield -2;
    });
    std::vector<int> seen;
    for (int x : (std::vector{1, 2} | framed).results()) seen.push_back(x);
    CHECK(seen == std::vector{-1, 1, 2, -2});
}

// ---- generic callables ----------------------------------------------------------------------

TEST_CASE("a generic stage function is resolved against the left side", "[stage]") {
    auto twice = stage([](auto items) {
        return std::move(items) | std::views::transform([](auto& x) { return x + x; });
    });
    CHECK(sorted_results(std::vector{1, 2} | twice) == std::vector{2, 4});
    CHECK((std::vector<std::string>{"ab"} | twice).execute() == "abab");
    CHECK(sorted_results(Stage(count_to, 2) | twice | twice) == std::vector{4, 8});
}

TEST_CASE("a generic coroutine is resolved against the left side", "[stage]") {
    auto last = stage({.name = "last"}, []<class T>(Input<T> items) -> generator<T> {
        for (T& x : items) co_yield std::move(x);
    });
    CHECK((std::vector<std::string>{"a", "b"} | last).execute() == "b");
    CHECK((std::vector{1, 2} | last).execute() == 2);
    CHECK(to_string(std::vector{1, 2} | last) == "source | last(x1)");
}

TEST_CASE("a generic stage function with arguments is called first and resolved later", "[stage]") {
    auto add_any = stage([](auto items, auto n) {
        return std::move(items) | std::views::transform([n](auto& x) { return x + n; });
    });
    CHECK(sorted_results(std::vector{1, 2} | add_any(7)) == std::vector{8, 9});
    CHECK((std::vector<std::string>{"a"} | add_any(std::string("b"))).execute() == "ab");
}

// ---- copies ---------------------------------------------------------------------------------

TEST_CASE("copies of a stage are independent", "[stage]") {
    Stage original = stage({.workers = 2, .name = "first"}, add_one);
    Stage copy = original;
    copy.setup({.workers = 5, .name = "second"});
    CHECK(to_string(original) == "first(x2)");
    CHECK(to_string(copy) == "second(x5)");
    original.setup({.workers = 1});
    CHECK(to_string(copy) == "second(x5)");
    original = copy;
    CHECK(to_string(original) == "second(x5)");
}

TEST_CASE("a change to a stage does not affect pipelines created before it", "[stage]") {
    Stage made = stage({.workers = 2, .name = "made"}, add_one);
    const auto pipe = std::vector{1} | made;
    made.setup({.workers = 4});
    CHECK(to_string(pipe) == "source | made(x2)");
    CHECK(to_string(std::vector{1} | made) == "source | made(x4)");
}

TEST_CASE("a copy of a stage keeps its callable and its arguments", "[stage]") {
    auto make = [] { return Stage(add, 40); };
    Stage<int, int> copy = make();
    Stage<int, int> another(copy);
    CHECK((std::vector{2} | copy).execute() == 42);
    CHECK((std::vector{2} | another).execute() == 42);
}

TEST_CASE("a stage is printed as its name and its workers", "[stage]") {
    CHECK(to_string(stage({.workers = 4, .name = "fetch"}, add_one)) == "fetch(x4)");
    CHECK(to_string(stage(add_one)) == "stage_0(x1)");
    std::ostringstream out;
    out << stage({.workers = 2, .name = "parse"}, add_one);
    CHECK(out.str() == "parse(x2)");
}

TEST_CASE("a stage without input runs by itself, several times", "[stage]") {
    const Stage source(count_to, 3);
    CHECK(source.execute() == 3);
    CHECK(source.execute() == 3);
    int sum = 0;
    for (int x : source.results()) sum += x;
    CHECK(sum == 6);
}

TEST_CASE("the functions of stages can be called without a pipeline", "[stage]") {
    std::vector<int> seen;
    for (int x : add(Input<int>(std::vector{1, 2, 3}), 7)) seen.push_back(x);
    CHECK(seen == std::vector{8, 9, 10});
}

TEST_CASE("a stage that checks whether its generator is empty loses no element", "[stage]") {
    const auto looks = stage([](Input<int> items) {
        auto doubled = [](Input<int> in) -> generator<int> {
            for (int x : in) co_yield 2 * x;
        }(std::move(items));
        if (doubled.begin() == doubled.end()) throw std::runtime_error("nothing");
        return doubled;
    });
    const auto pipe = std::vector{1, 2, 3} | looks;
    CHECK(pipe.collect() == std::vector{2, 4, 6});
    std::vector<int> alone;
    for (int x : pipe.results(inline_run)) alone.push_back(x);
    CHECK(alone == std::vector{2, 4, 6});
}

}  // namespace stage_tests
