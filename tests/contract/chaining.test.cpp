#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// operator|: what can be chained, what is copied or referred to, and what can run more than once.
namespace contract_chaining_tests {

using namespace parallelpipe;

namespace {

generator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) co_yield i;
}
generator<int> add(Input<int> items, int n) {
    for (int x : items) co_yield x + n;
}

template <class Pipe>
auto collect(const Pipe& pipe) {
    std::vector<std::ranges::range_value_t<decltype(pipe.results())>> all;
    for (auto& x : pipe.results()) all.push_back(std::move(x));
    return all;
}

}  // namespace

TEST_CASE("range, stage and pipeline chain in every combination", "[contract][chaining]") {
    const Stage source(numbers, 3);
    const Stage one(add, 1);
    const Stage ten(add, 10);
    const std::vector range{0, 1, 2};
    const Pipeline<int, int> middle = one | ten;
    const std::vector once{1, 2, 3};
    const std::vector twice{11, 12, 13};
    const std::vector thrice{22, 23, 24};

    CHECK(collect(range | one) == once);
    CHECK(collect(source | one) == once);
    CHECK(collect(source | one | ten) == twice);
    CHECK(collect(source | middle) == twice);
    CHECK(collect(range | middle) == twice);
    CHECK(collect((range | one) | ten) == twice);
    CHECK(collect((source | one) | middle) == std::vector{12, 13, 14});
    CHECK(collect(range | (middle | middle)) == thrice);
    CHECK(collect((range | middle) | middle) == thrice);
    CHECK(collect(range | (one | (ten | (one | ten)))) == thrice);
}

TEST_CASE("operator| never changes its operands", "[contract][chaining]") {
    const std::vector range{0, 1, 2};
    Stage one(add, 1);
    auto open = one | one;
    auto left = range | one;
    const auto before = to_string(left);
    const auto a = left | one;
    const auto b = left | open;
    const auto c = range | open;
    const auto d = open | one;
    CHECK(to_string(left) == before);
    CHECK(collect(left) == std::vector{1, 2, 3});
    CHECK(collect(a) == std::vector{2, 3, 4});
    CHECK(collect(b) == std::vector{3, 4, 5});
    CHECK(collect(c) == std::vector{2, 3, 4});
    CHECK(collect(range | d) == std::vector{3, 4, 5});
    one.setup({.workers = 7, .name = "changed"});
    CHECK(to_string(left) == before);
    CHECK(to_string(a).find("changed") == std::string::npos);
}

TEST_CASE("a stage can be used in several places of one pipeline and in several pipelines",
          "[contract][chaining]") {
    auto counting = stage([n = 0](Input<int> items) mutable -> generator<int> {
        for (int x : items) co_yield x + n++;
    });
    const std::vector<int> zeros(3);
    CHECK(collect(zeros | counting | counting) == std::vector{0, 2, 4});
    CHECK(collect(zeros | counting) == std::vector{0, 1, 2});
}

TEST_CASE("an lvalue range is referred to, as in std::views", "[contract][chaining]") {
    std::vector range{1, 2};
    const auto pipe = range | Stage(add, 0);
    CHECK(collect(pipe) == std::vector{1, 2});
    range.push_back(3);
    CHECK(collect(pipe) == std::vector{1, 2, 3});
}

TEST_CASE("an rvalue range is owned and runs again if its elements can be copied",
          "[contract][chaining]") {
    auto make = [] {
        return std::vector<std::string>{"a", "b"} |
               map_stage([](std::string s) { return s + "!"; });
    };
    const auto pipe = make();
    const std::vector<std::string> expected{"a!", "b!"};
    CHECK(collect(pipe) == expected);
    CHECK(collect(pipe) == expected);
    const auto copy = pipe;
    CHECK(collect(copy) == expected);
}

TEST_CASE("a pipeline over a single-pass range runs once, then throws std::logic_error",
          "[contract][chaining]") {
    SECTION("a generator") {
        const auto pipe = numbers(3) | Stage(add, 1);
        CHECK(collect(pipe) == std::vector{1, 2, 3});
        CHECK_THROWS_AS(pipe.results(), std::logic_error);
        CHECK_THROWS_AS(pipe.execute(), std::logic_error);
    }
    SECTION("owned move-only elements") {
        std::vector<std::unique_ptr<int>> owners;
        for (int i = 0; i < 3; ++i) owners.push_back(std::make_unique<int>(i));
        const auto pipe = std::move(owners) | map_stage([](std::unique_ptr<int> p) { return *p; });
        CHECK(collect(pipe) == std::vector{0, 1, 2});
        CHECK_THROWS_AS(pipe.results(), std::logic_error);
    }
    SECTION("an input stream") {
        std::istringstream text("1 2 3");
        const auto pipe = std::views::istream<int>(text) | Stage(add, 1);
        const auto copy = pipe;
        CHECK(collect(pipe) == std::vector{2, 3, 4});
        CHECK_THROWS_AS(copy.results(), std::logic_error);
    }
    SECTION("even if the first run was left at once, and from two threads") {
        const auto pipe = numbers(1000) | Stage(add, 1);
        std::atomic<int> refused{0};
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < 4; ++i)
                threads.emplace_back([&] {
                    try {
                        auto results = pipe.results();
                    } catch (const std::logic_error&) {
                        ++refused;
                    }
                });
        }
        CHECK(refused == 3);
    }
}

TEST_CASE("the range on the left may be of any kind", "[contract][chaining]") {
    const Stage keep(add, 0);
    const std::vector expected{1, 2, 3};
    int array[] = {1, 2, 3};
    CHECK(collect(array | keep) == expected);
    CHECK(collect(std::array{1, 2, 3} | keep) == expected);
    CHECK(collect(std::list{1, 2, 3} | keep) == expected);
    CHECK(collect(std::deque{1, 2, 3} | keep) == expected);
    CHECK(collect(std::set{3, 2, 1} | keep) == expected);
    CHECK(collect(std::span(array) | keep) == expected);
    CHECK(collect(std::views::iota(1, 4) | keep) == expected);
    CHECK(collect(std::views::iota(1) | std::views::take(3) | keep) == expected);
    CHECK(collect((std::views::iota(1, 7) | std::views::filter([](int x) { return x < 4; })) |
                  keep) == expected);
    CHECK(collect(std::views::single(1) | keep) == std::vector{1});
    CHECK(collect(std::views::empty<int> | keep).empty());
    const std::map<int, std::string> map{{1, "one"}};
    CHECK(collect(map | std::views::keys | keep) == std::vector{1});
    CHECK(collect(map | map_stage([](std::pair<const int, std::string> p) { return p.first; })) ==
          std::vector{1});
    CHECK(collect(std::string_view("ab") | map_stage([](char c) { return std::string(2, c); })) ==
          std::vector<std::string>{"aa", "bb"});
}

TEST_CASE("the range on the left is read by one worker", "[contract][chaining]") {
    std::mutex mutex;
    std::set<std::thread::id> readers;
    auto range = std::views::iota(0, 1000) | std::views::transform([&](int i) {
                     const std::lock_guard lock(mutex);
                     readers.insert(std::this_thread::get_id());
                     return i;
                 });
    CHECK(collect(range | Stage(add, 0).setup({.workers = 4})).size() == 1000);
    CHECK(readers.size() == 1);
    CHECK(readers.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("a value that converts to an item is not moved once more", "[contract][chaining]") {
    struct Item {
        Item(int v) noexcept : value(v) {}
        Item(Item&& other) : value(other.value) { throw std::runtime_error("moved"); }
        Item& operator=(Item&&) = delete;
        int value;
    };
    int sum = 0;
    auto pass = stage([](Input<int> in) -> generator<int> {
        for (int x : in) co_yield x;
    });
    auto add = stage([&](Input<Item> in) {
        for (const Item& item : in) sum += item.value;
    });
    (std::vector{1, 2, 3} | pass | add).execute();
    CHECK(sum == 6);
}

TEST_CASE("elements and results convert to the item type of the next stage", "[contract][chaining]") {
    auto length = map_stage([](std::string s) { return s.size(); });
    CHECK(collect(std::vector<const char*>{"a", "bb"} | length) == std::vector<std::size_t>{1, 2});
    auto text = map_stage([](int) -> const char* { return "abc"; });
    auto wide = map_stage([](long x) { return x; });
    const std::size_t workers = GENERATE(1U, 3U);
    CHECK(collect(std::vector{1} | text | length.setup({.workers = workers})) ==
          std::vector<std::size_t>{3});
    CHECK(collect(std::vector{7} | Stage(add, 0) | wide.setup({.workers = workers})) ==
          std::vector<long>{7});
    // To a base class, through owning pointers.
    struct Base {
        virtual ~Base() = default;
        virtual int number() const { return 1; }
    };
    struct Derived : Base {
        int number() const override { return 2; }
    };
    auto make = stage([]() -> generator<std::unique_ptr<Derived>> {
        for (int i = 0; i < 100; ++i) co_yield std::make_unique<Derived>();
    });
    auto ask =
        map_stage({.workers = workers}, [](std::unique_ptr<Base> base) { return base->number(); });
    CHECK(collect(make | ask) == std::vector<int>(100, 2));
}

TEST_CASE("an empty range, an empty source and a stage without results end normally",
          "[contract][chaining]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const auto keep = Stage(add, 0).setup({.workers = workers});
    CHECK(collect(std::vector<int>() | keep | keep).empty());
    CHECK(collect(Stage(numbers, 0).setup({.workers = workers}) | keep).empty());
}

TEST_CASE("open pipelines keep their types", "[contract][chaining]") {
    const auto open = map_stage([](int x) { return static_cast<long>(x); }) |
                      map_stage([](long x) { return std::to_string(x); });
    STATIC_REQUIRE(std::is_base_of_v<Pipeline<int, std::string>, decltype(open)>);
    const auto fed = std::vector{1, 2} | open;
    STATIC_REQUIRE(std::is_same_v<std::remove_const_t<decltype(fed)>, Pipeline<void, std::string>>);
    CHECK(fed.execute() == "2");
    const auto sink = open | stage([](Input<std::string> items) {
                          for ([[maybe_unused]] std::string& s : items) {
                          }
                      });
    STATIC_REQUIRE(std::is_same_v<std::remove_const_t<decltype(sink)>, Pipeline<int, void>>);
    (std::vector{1} | sink).execute();
}

namespace {

/// A key whose copy constructor throws while `refuses` is true.
struct RefusedKey {
    explicit RefusedKey(const bool& r) : refuses(&r) {}
    RefusedKey(const RefusedKey& other) : refuses(other.refuses) {
        if (*refuses) throw std::runtime_error("no copy");
    }
    RefusedKey& operator=(const RefusedKey&) = delete;
    int operator()(int x) const { return x; }

    const bool* refuses;
};

}  // namespace

TEST_CASE("a run that fails to start does not use up a single-pass range",
          "[contract][chaining]") {
    bool refuses = false;
    const auto pipe = numbers(3) | stage({.workers = 2}, [](Input<int> in) -> generator<int> {
                                       for (int x : in) co_yield x;
                                   }).partition_by(RefusedKey(refuses));
    refuses = true;
    CHECK_THROWS_WITH(pipe.results(), "no copy");
    refuses = false;
    CHECK(collect(pipe).size() == 3);
    CHECK_THROWS_AS(pipe.results(), std::logic_error);
}

TEST_CASE("results work with the views and algorithms of the standard library",
          "[contract][chaining]") {
    const auto pipe = std::views::iota(0, 10) | Stage(add, 1);
    STATIC_REQUIRE(std::ranges::input_range<Results<int>>);
    STATIC_REQUIRE(std::ranges::view<Results<int>>);
    STATIC_REQUIRE(!std::is_copy_constructible_v<Results<int>>);
    int sum = 0;
    for (int x : pipe.results() | std::views::filter([](int i) { return i % 2 == 0; }) |
                     std::views::transform([](int i) { return 10 * i; }))
        sum += x;
    CHECK(sum == 300);
    std::vector<int> all;
    std::ranges::copy(pipe.results(), std::back_inserter(all));
    CHECK(all.size() == 10);
    // Results may be the left side of another pipeline.
    CHECK(collect(pipe.results() | Stage(add, 100)).front() == 101);
}

}  // namespace contract_chaining_tests
