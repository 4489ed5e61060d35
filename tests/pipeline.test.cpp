#include <parallelpipe/pipeline.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Pipeline: chaining, ranges on the left, copies and moves, running.
namespace pipeline_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

/// Runs the pipeline. Returns: the results in the order in which they arrive.
template <class Runnable>
auto listed(const Runnable& runnable) {
    auto results = runnable.results();
    std::vector<typename decltype(results)::value_type> all;
    for (auto& item : results) all.push_back(std::move(item));
    return all;
}

generator<int> count_to(int end) {
    for (int i = 1; i <= end; ++i) co_yield i;
}

const Stage<int, int>& add_one() {
    static const Stage<int, int> made = map_stage([](int x) { return x + 1; });
    return made;
}

const Stage<int, int>& twice() {
    static const Stage<int, int> made = map_stage([](int x) { return 2 * x; });
    return made;
}

/// A stage that passes every item on unchanged.
template <class T>
Stage<T, T> same() {
    return Stage<T, T>([](Input<T> items) -> generator<T> {
        for (T& item : items) co_yield std::move(item);
    });
}

}  // namespace

TEST_CASE("a pipeline over a range yields every result once", "[pipeline]") {
    auto doubled = map_stage({.workers = 3}, [](int x) { return 2 * x; });
    long sum = 0;
    for (int x : (std::views::iota(0, 1000) | doubled).results()) sum += x;
    CHECK(sum == 999000);
}

// ---- the chainings --------------------------------------------------------------------------

TEST_CASE("range | stage is a pipeline", "[pipeline]") {
    const auto pipe = std::vector{1, 2} | twice();
    static_assert(std::is_same_v<decltype(pipe), const Pipeline<void, int>>);
    CHECK(listed(pipe) == std::vector{2, 4});
}

TEST_CASE("stage | stage is an open pipeline", "[pipeline]") {
    const auto open = add_one() | twice();
    static_assert(std::is_same_v<decltype(open), const Pipeline<int, int>>);
    CHECK(listed(std::vector{1, 2} | open) == std::vector{4, 6});

    const auto closed = Stage(count_to, 2) | twice();
    static_assert(std::is_same_v<decltype(closed), const Pipeline<void, int>>);
    CHECK(listed(closed) == std::vector{2, 4});
}

TEST_CASE("pipeline | stage is a pipeline", "[pipeline]") {
    const auto pipe = std::vector{1, 2} | add_one();
    CHECK(listed(pipe | twice()) == std::vector{4, 6});
    CHECK(listed(pipe | twice() | add_one()) == std::vector{5, 7});
}

TEST_CASE("stage | pipeline is a pipeline", "[pipeline]") {
    const auto open = add_one() | twice();
    CHECK(listed(Stage(count_to, 2) | open) == std::vector{4, 6});
    CHECK(listed(std::vector{1, 2} | (twice() | open)) == std::vector{6, 10});
}

TEST_CASE("pipeline | pipeline is a pipeline", "[pipeline]") {
    const auto first = add_one() | twice();
    const auto second = twice() | add_one();
    static_assert(std::is_same_v<decltype(first | second), Pipeline<int, int>>);
    CHECK(listed(std::vector{1} | (first | second)) == std::vector{9});
    CHECK(listed(std::vector{1} | first | second) == std::vector{9});
    CHECK(listed((std::vector{1} | first) | (second | first)) == std::vector{20});
}

TEST_CASE("range | pipeline is a pipeline", "[pipeline]") {
    const auto open = add_one() | twice();
    CHECK(listed(std::vector{1, 2} | open) == std::vector{4, 6});
    CHECK(listed(std::views::iota(1, 3) | open) == std::vector{4, 6});
}

TEST_CASE("a pipeline may have the same stage several times", "[pipeline]") {
    CHECK(listed(std::vector{0} | add_one() | add_one() | add_one()) == std::vector{3});
}

TEST_CASE("a pipeline of many stages with one worker each keeps order", "[pipeline]") {
    auto pipe = std::views::iota(0, 100) | add_one();
    for (int i = 0; i < 15; ++i) pipe = pipe | add_one();
    std::vector<int> expected(100);
    std::iota(expected.begin(), expected.end(), 16);
    CHECK(listed(pipe) == expected);
}

TEST_CASE("item types convert between the stages", "[pipeline]") {
    auto to_text = map_stage([](int x) -> const char* { return x > 1 ? "many" : "one"; });
    auto length = map_stage([](const std::string& text) { return text.size(); });
    CHECK(listed(std::vector<short>{1, 2} | to_text | length) == std::vector<std::size_t>{3, 4});
    auto derived = map_stage([](int x) { return std::make_unique<int>(x); });
    auto shared = map_stage([](std::shared_ptr<int> p) { return *p; });
    CHECK((std::vector{5} | derived | shared).execute() == 5);
}

TEST_CASE("a sink ends a pipeline, and execute() waits for it", "[pipeline]") {
    std::atomic<int> sum{0};
    auto sink = stage([&sum](Input<int> items) {
        for (int x : items) sum += x;
    });
    const auto pipe = std::vector{1, 2} | twice() | sink;
    static_assert(std::is_same_v<decltype(pipe), const Pipeline<void, void>>);
    static_assert(std::is_void_v<decltype(pipe.execute())>);
    pipe.execute();
    CHECK(sum == 6);
    pipe.execute();
    CHECK(sum == 12);
}

// ---- values ---------------------------------------------------------------------------------

TEST_CASE("operator| changes none of its operands", "[pipeline]") {
    const auto left = std::vector{1, 2} | same<int>().setup({.name = "left"});
    const auto right = add_one() | twice();
    const std::string left_before = to_string(left);
    const std::string right_before = to_string(right);
    const auto both = left | right;
    CHECK(to_string(left) == left_before);
    CHECK(to_string(right) == right_before);
    CHECK(listed(left) == std::vector{1, 2});
    CHECK(listed(both) == std::vector{4, 6});
    CHECK(listed(std::vector{0} | right) == std::vector{2});
}

TEST_CASE("two pipelines made from one do not influence each other", "[pipeline]") {
    const auto trunk = std::vector{1, 2} | add_one();
    const auto one = trunk | twice();
    const auto other = trunk | add_one();
    CHECK(listed(one) == std::vector{4, 6});
    CHECK(listed(other) == std::vector{3, 4});
    CHECK(listed(trunk) == std::vector{2, 3});
}

TEST_CASE("a pipeline outlives the operands and the copies it was made from", "[pipeline]") {
    auto made = [] {
        const std::string suffix = "!";
        auto shout = map_stage([suffix](const std::string& text) { return text + suffix; });
        const auto pipe = std::vector<std::string>{"a"} | shout;
        return pipe | shout;
    }();
    const auto copy = made;
    made = made | map_stage([](std::string text) { return text + '?'; });
    CHECK(copy.execute() == "a!!");
    CHECK(made.execute() == "a!!?");
}

TEST_CASE("a stage is a pipeline of one", "[pipeline]") {
    const Pipeline<void, int> pipe = Stage(count_to, 3);
    CHECK(listed(pipe) == std::vector{1, 2, 3});
    const Pipeline<int, int> open = add_one();
    CHECK(listed(std::vector{1} | open) == std::vector{2});
}

TEST_CASE("a pipeline is printed as its stages", "[pipeline]") {
    auto fetch = map_stage({.workers = 4, .name = "fetch"}, [](int x) { return x; });
    auto titles = map_stage({.workers = 2, .name = "get_titles"}, [](int x) { return x; });
    const auto open = fetch | titles;
    CHECK(to_string(open) == "fetch(x4) | get_titles(x2)");
    CHECK(to_string(std::vector{1} | open) == "source | fetch(x4) | get_titles(x2)");
    CHECK(to_string(std::vector{1} | add_one() | fetch | twice()) ==
          "source | stage_0(x1) | fetch(x4) | stage_2(x1)");
    std::ostringstream out;
    out << open;
    CHECK(out.str() == "fetch(x4) | get_titles(x2)");
}

// ---- ranges on the left ---------------------------------------------------------------------

TEST_CASE("every kind of range feeds a pipeline", "[pipeline][range]") {
    const auto pass = same<int>();
    const std::vector expected{1, 2, 3};
    CHECK(listed(std::vector{1, 2, 3} | pass) == expected);
    CHECK(listed(std::list{1, 2, 3} | pass) == expected);
    CHECK(listed(std::deque{1, 2, 3} | pass) == expected);
    CHECK(listed(std::forward_list{1, 2, 3} | pass) == expected);
    CHECK(listed(std::views::iota(1) | std::views::take(3) | pass) == expected);
    CHECK(listed(count_to(3) | pass) == expected);

    int array[] = {1, 2, 3};
    CHECK(listed(array | pass) == expected);
    CHECK(listed(std::span(array) | pass) == expected);
    const std::vector fixed{1, 2, 3};
    CHECK(listed(fixed | pass) == expected);
    const std::initializer_list<int> list{1, 2, 3};
    CHECK(listed(list | pass) == expected);
    std::istringstream text("1 2 3");
    CHECK(listed(std::views::istream<int>(text) | pass) == expected);
    std::vector unfiltered{1, 10, 2, 20, 3};
    CHECK(listed(unfiltered | std::views::filter([](int x) { return x < 10; }) | pass) == expected);
    CHECK(listed(std::vector{3, 2, 1} | std::views::reverse | pass) == expected);
    CHECK(listed(std::vector<int>{} | pass).empty());
}

TEST_CASE("bits, pairs, strings and over-aligned types pass a pipeline unchanged", "[pipeline][range]") {
    CHECK(listed(std::vector<bool>{true, false, true} | same<bool>()) ==
          std::vector<bool>{true, false, true});
    using Entry = std::pair<std::string, int>;
    CHECK(listed(std::map<std::string, int>{{"a", 1}, {"b", 2}} | same<Entry>()) ==
          std::vector<Entry>{{"a", 1}, {"b", 2}});

    struct alignas(128) Wide {
        int value;
        bool aligned;
    };
    auto look = map_stage([](Wide& item) {
        return Wide{item.value, reinterpret_cast<std::uintptr_t>(&item) % alignof(Wide) == 0};
    });
    int count = 0;
    for (Wide& item : (std::vector<Wide>(100) | look | look).results()) {
        count += item.aligned ? 1 : 0;
        if (reinterpret_cast<std::uintptr_t>(&item) % alignof(Wide) != 0) FAIL("not aligned");
    }
    CHECK(count == 100);
}

TEST_CASE("an lvalue range is referred to and not changed", "[pipeline][range]") {
    std::vector<std::string> words{"a word that is too long for the small string", "b"};
    const auto pipe = words | map_stage([](std::string text) { return text.size(); });
    CHECK(listed(pipe) == std::vector<std::size_t>{44, 1});
    CHECK(words[0] == "a word that is too long for the small string");
    words.push_back("new");
    CHECK(listed(pipe) == std::vector<std::size_t>{44, 1, 3});
}

TEST_CASE("a pipeline over an owned container of copyable elements can run again", "[pipeline][range]") {
    const auto pipe = std::vector<std::string>{"a word that is too long for the small string"} |
                      same<std::string>();
    for (int run = 0; run < 3; ++run)
        CHECK(pipe.execute() == "a word that is too long for the small string");
    const auto copy = pipe;
    CHECK(copy.execute() == "a word that is too long for the small string");
}

TEST_CASE("a pipeline over a multi-pass view can run again", "[pipeline][range]") {
    const auto pipe = std::views::iota(1, 4) | twice();
    CHECK(listed(pipe) == std::vector{2, 4, 6});
    CHECK(listed(pipe) == std::vector{2, 4, 6});
    std::vector unfiltered{1, 10, 2};
    const auto filtered = unfiltered | std::views::filter([](int x) { return x < 10; }) | twice();
    CHECK(listed(filtered) == std::vector{2, 4});
    CHECK(listed(filtered) == std::vector{2, 4});
}

TEST_CASE("a pipeline over a single-pass range runs once; a second run throws",
          "[pipeline][range]") {
    const auto over_generator = count_to(3) | twice();
    CHECK(listed(over_generator) == std::vector{2, 4, 6});
    CHECK_THROWS_AS(over_generator.results(), std::logic_error);
    CHECK_THROWS_AS(over_generator.execute(), std::logic_error);

    std::vector<std::unique_ptr<int>> pointers;
    pointers.push_back(std::make_unique<int>(7));
    const auto over_move_only =
        std::move(pointers) | map_stage([](std::unique_ptr<int> p) { return *p; });
    CHECK(over_move_only.execute() == 7);
    CHECK_THROWS_AS(over_move_only.execute(), std::logic_error);

    std::istringstream text("1 2 3");
    const auto over_stream = std::views::istream<int>(text) | twice();
    CHECK(listed(over_stream) == std::vector{2, 4, 6});
    CHECK_THROWS_AS(over_stream.results(), std::logic_error);
}

TEST_CASE("copies of a pipeline share a single-pass range", "[pipeline][range]") {
    const auto pipe = count_to(3) | twice();
    const auto copy = pipe;
    const auto longer = pipe | add_one();
    CHECK(listed(copy) == std::vector{2, 4, 6});
    CHECK_THROWS_AS(pipe.results(), std::logic_error);
    CHECK_THROWS_AS(longer.results(), std::logic_error);
}

TEST_CASE("only one of several threads can run a pipeline over a single-pass range", "[pipeline][range]") {
    const auto pipe = count_to(100) | twice();
    std::atomic<int> ran{0};
    std::atomic<int> refused{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&] {
                try {
                    if (pipe.execute() == 200) ++ran;
                } catch (const std::logic_error&) {
                    ++refused;
                }
            });
    }
    CHECK(ran == 1);
    CHECK(refused == 2);
}

TEST_CASE("an lvalue generator, or another move-only view, is refused",
          "[pipeline][range]") {
    auto numbers = count_to(2);
    CHECK(listed(std::move(numbers) | twice()) == std::vector{2, 4});
    static_assert(!std::ranges::viewable_range<generator<int>&>);
}

TEST_CASE("the results of one pipeline feed another", "[pipeline][range]") {
    const auto first = std::vector{1, 2, 3} | twice();
    CHECK(listed(first.results() | add_one()) == std::vector{3, 5, 7});
    CHECK(listed(first.results() | std::views::filter([](int x) { return x > 2; }) | add_one()) ==
          std::vector{5, 7});
}

TEST_CASE("the range is read by one worker, in its order", "[pipeline][range]") {
    std::atomic<int> readers{0};
    auto numbers = [](std::atomic<int>& count) -> generator<int> {
        ++count;
        for (int i = 0; i < 1000; ++i) co_yield i;
    };
    auto pass_on = stage([](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    int next = 0;
    for (int x : (numbers(readers) | pass_on.setup({.workers = 4, .ordered = true})).results())
        CHECK(x == next++);
    CHECK(next == 1000);
    CHECK(readers == 1);
}

// ---- copies and moves -----------------------------------------------------------------------

TEST_CASE("items of a referred range are copied once and then only moved",
          "[pipeline][counts]") {
    Tally tally;
    {
        std::vector<Counted> source;
        source.reserve(100);
        for (int i = 0; i < 100; ++i) source.emplace_back(tally, i);
        tally.moves = 0;
        const auto pipe = source | same<Counted>() | same<Counted>();
        int sum = 0;
        for (const Counted& item : pipe.results()) sum += item.value;
        CHECK(sum == 4950);
        CHECK(tally.copies == 100);
        CHECK(tally.moves <= 100 * 3 * 4);  // at most four moves for each of three hops
        CHECK(tally.alive == 100);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("items of a generator are never copied", "[pipeline][counts]") {
    Tally tally;
    auto numbers = [](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 100; ++i) co_yield Counted(t, i);
    };
    {
        auto both = same<Counted>().setup({.workers = 2}) | same<Counted>().setup({.workers = 2});
        int count = 0;
        for (Counted& item : (numbers(tally) | both).results()) {
            const Counted mine = std::move(item);
            count += mine.value >= 0 ? 1 : 0;
        }
        CHECK(count == 100);
        const Counted last = (numbers(tally) | both).execute();
        CHECK(last.value >= 0);
    }
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("move-only items go through every kind of stage", "[pipeline]") {
    using Pointer = std::unique_ptr<int>;
    auto make = map_stage({.workers = 2}, [](int x) { return std::make_unique<int>(x); });
    auto by_value = map_stage([](Pointer p) { return p; });
    auto by_reference = map_stage([](Pointer& p) { return std::move(p); });
    const auto pipe = std::views::iota(0, 100) | make | same<Pointer>() | by_value | by_reference;
    int sum = 0;
    for (Pointer& p : pipe.results()) sum += *p;
    CHECK(sum == 4950);
    const Pointer last = pipe.execute();
    CHECK(last);
}

// ---- running --------------------------------------------------------------------------------

TEST_CASE("execute() returns the last result", "[pipeline]") {
    CHECK((std::vector{1, 2, 3} | twice()).execute() == 6);
    CHECK((std::vector<std::string>{"a", "b"} | same<std::string>()).execute() == "b");
}

TEST_CASE("execute() without a result is an error", "[pipeline]") {
    CHECK_THROWS_AS((std::vector<int>{} | twice()).execute(), NoResultError);
}

TEST_CASE("a pipeline can run again, also after an error and after a break", "[pipeline]") {
    std::atomic<bool> fail{true};
    auto fragile = map_stage({.workers = 2}, [&fail](int x) {
        if (fail && x == 3) throw std::runtime_error("three");
        return x;
    });
    const auto pipe = std::views::iota(0, 100) | fragile;
    CHECK_THROWS_AS(pipe.execute(), TaskException);
    fail = false;
    for ([[maybe_unused]] int x : pipe.results()) break;
    CHECK(listed(pipe).size() == 100);
    fail = true;
    CHECK_THROWS_AS(pipe.execute(), TaskException);
}

TEST_CASE("several runs of one pipeline at once do not mix", "[pipeline]") {
    const auto pipe = std::vector{1, 2, 3} | twice() | add_one();
    auto first = pipe.results();
    auto second = pipe.results();
    std::vector<int> a;
    std::vector<int> b;
    auto i = first.begin();
    auto j = second.begin();
    for (int n = 0; n < 3; ++n, ++i, ++j) {
        a.push_back(*i);
        b.push_back(*j);
    }
    CHECK(i == first.end());
    CHECK(j == second.end());
    CHECK(a == std::vector{3, 5, 7});
    CHECK(b == a);
}

TEST_CASE("one pipeline runs in several threads at once", "[pipeline]") {
    const auto pipe = std::views::iota(0, 500) | map_stage({.workers = 2}, [](int x) { return x; });
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                for (int run = 0; run < 3; ++run) {
                    int sum = 0;
                    for (int x : pipe.results()) sum += x;
                    if (sum == 124750) ++right;
                }
            });
    }
    CHECK(right == 9);
}

TEST_CASE("a pipeline may be destroyed while its results are read", "[pipeline]") {
    auto results = [] {
        const auto pipe = std::vector<std::string>{"a", "b"} | same<std::string>();
        return pipe.results();
    }();
    std::string all;
    for (const std::string& text : results) all += text;
    CHECK(all == "ab");
}

TEST_CASE("a reducer with several workers yields one partial result each", "[pipeline]") {
    auto sum = stage({.workers = 3}, [](Input<int> items) -> generator<int> {
        int total = 0;
        for (int x : items) total += x;
        co_yield total;
    });
    const std::vector<int> parts = listed(std::views::iota(0, 1000) | sum);
    CHECK(parts.size() == 3);
    CHECK(std::accumulate(parts.begin(), parts.end(), 0) == 499500);
}

}  // namespace pipeline_tests
