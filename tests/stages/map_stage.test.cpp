#include <parallelpipe/stages/map_stage.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// map_stage(): one result for each item.
namespace stages_map_stage_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

template <class Runnable>
auto listed(const Runnable& runnable) {
    auto results = runnable.results();
    std::vector<typename decltype(results)::value_type> all;
    for (auto& item : results) all.push_back(std::move(item));
    return all;
}

int add_one(int x) { return x + 1; }
int add(int x, int n) noexcept { return x + n; }

struct Page {
    std::string url;
    int size = 0;

    std::string title() const { return "title of " + url; }
    std::string take_url() { return std::move(url); }
};

struct Scale {
    int factor = 1;

    int apply(int x) const { return x * factor; }
    int apply_and_add(int x, int n) { return x * factor + n; }
};

Stage<void, Counted> source_of(Tally& tally, int count) {
    return Stage<void, Counted>(
        [](Tally& t, int end) -> generator<Counted> {
            for (int i = 0; i < end; ++i) co_yield Counted(t, i);
        },
        std::ref(tally), count);
}

}  // namespace

TEST_CASE("map_stage yields one result for each item", "[map_stage]") {
    auto made = map_stage([](int x) { return x * x; });
    static_assert(std::is_base_of_v<ItemStage<int, int>, decltype(made)>);
    CHECK(listed(std::vector{1, 2, 3} | made) == std::vector{1, 4, 9});
    CHECK(listed(std::vector<int>{} | made).empty());
}

TEST_CASE("map_stage with several workers maps every item once", "[map_stage]") {
    auto made = map_stage({.workers = 3, .name = "square"}, [](int x) { return x * x; });
    CHECK(to_string(made) == "square(x3)");
    auto all = listed(std::views::iota(0, 100) | made);
    std::sort(all.begin(), all.end());
    REQUIRE(all.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(all[static_cast<std::size_t>(i)] == i * i);
}

TEST_CASE("map_stage takes functions, function pointers, std::function and function objects",
          "[map_stage]") {
    CHECK(listed(std::vector{1} | map_stage(add_one)) == std::vector{2});
    CHECK(listed(std::vector{1} | map_stage(&add_one)) == std::vector{2});
    CHECK(listed(std::vector{1} | map_stage(std::function<int(int)>(add_one))) == std::vector{2});
    CHECK(listed(std::vector{1} | map_stage(std::negate<int>())) == std::vector{-1});
    CHECK(listed(std::vector{1} | map_stage(std::negate<>())) == std::vector{-1});
    CHECK(listed(std::vector{1} | map_stage(std::bind_front(add, 5))) == std::vector{6});
}

TEST_CASE("map_stage passes the item to a parameter by value without a copy", "[map_stage]") {
    Tally tally;
    auto made = map_stage([](Counted item) { return item.value; });
    static_assert(std::is_base_of_v<ItemStage<Counted, int>, decltype(made)>);
    CHECK(listed(source_of(tally, 3) | made) == std::vector{0, 1, 2});
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("map_stage passes the item to every kind of reference", "[map_stage]") {
    Tally tally;
    auto by_const = map_stage([](const Counted& item) { return item.value; });
    auto by_reference = map_stage([](Counted& item) {
        item.value += 10;
        return std::move(item);
    });
    auto by_rvalue = map_stage([](Counted&& item) { return Counted(std::move(item)); });
    static_assert(std::is_base_of_v<ItemStage<Counted, int>, decltype(by_const)>);
    static_assert(std::is_base_of_v<ItemStage<Counted, Counted>, decltype(by_reference)>);
    static_assert(std::is_base_of_v<ItemStage<Counted, Counted>, decltype(by_rvalue)>);
    CHECK(listed(source_of(tally, 3) | by_rvalue | by_reference | by_const) ==
          std::vector{10, 11, 12});
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("map_stage maps move-only items to move-only results", "[map_stage]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    auto next = map_stage([](std::unique_ptr<int> p) {
        ++*p;
        return p;
    });
    auto read = map_stage([](const std::unique_ptr<int>& p) { return *p; });
    CHECK(listed(std::vector{1, 2} | make | next | read) == std::vector{2, 3});
}

TEST_CASE("a reference that map_stage's callable returns is copied", "[map_stage]") {
    const auto table = std::make_shared<std::vector<std::string>>(
        std::vector<std::string>{"a text that is too long for the small string", "b"});
    auto look_up = map_stage([table](std::size_t i) -> std::string& { return table->at(i); });
    static_assert(std::is_base_of_v<ItemStage<std::size_t, std::string>, decltype(look_up)>);
    for (std::string& text : (std::vector<std::size_t>{0, 1, 0} | look_up).results())
        text = "changed";
    CHECK(table->at(0) == "a text that is too long for the small string");

    auto constant = map_stage([](int) -> const std::string& {
        static const std::string text = "constant";
        return text;
    });
    CHECK((std::vector{1} | constant).execute() == "constant");

    // A reference into the item must not outlive the item.
    auto member = map_stage([](Page& page) -> std::string& { return page.url; });
    CHECK((std::vector<Page>{{"u", 1}} | member).execute() == "u");
}

TEST_CASE("map_stage calls member functions of the item", "[map_stage]") {
    auto title = map_stage(&Page::title);
    static_assert(std::is_base_of_v<ItemStage<Page, std::string>, decltype(title)>);
    const std::vector<Page> pages{{"a", 1}, {"b", 2}};
    CHECK(listed(pages | title) == std::vector<std::string>{"title of a", "title of b"});
    CHECK(listed(pages | map_stage(&Page::take_url)) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("map_stage reads data members of the item", "[map_stage]") {
    const std::vector<Page> pages{{"a", 1}, {"b", 2}};
    CHECK(listed(pages | map_stage(&Page::size)) == std::vector{1, 2});
}

TEST_CASE("map_stage calls member functions of a bound object", "[map_stage]") {
    CHECK(listed(std::vector{1, 2} | map_stage(&Scale::apply)(Scale{3})) == std::vector{3, 6});
    CHECK(listed(std::vector{1, 2} | map_stage(&Scale::apply_and_add)(Scale{3}, 1)) ==
          std::vector{4, 7});
    const Scale shared{5};
    CHECK(listed(std::vector{1} | map_stage(&Scale::apply)(&shared)) == std::vector{5});
    CHECK(listed(std::vector{1} | map_stage(&Scale::apply)(std::cref(shared))) == std::vector{5});
}

TEST_CASE("map_stage binds the parameters after the item", "[map_stage]") {
    auto add_n = map_stage({.workers = 2}, [](int x, int n) { return x + n; });
    auto add_7 = add_n(7);
    static_assert(std::is_base_of_v<ItemStage<int, int>, decltype(add_7)>);
    CHECK((std::vector{1} | add_7).execute() == 8);
    CHECK((std::vector{1} | add_n(-1)).execute() == 0);
    CHECK((std::vector{1} | map_stage(add)(2)).execute() == 3);

    auto join = map_stage([](int x, const std::string& a, std::string_view b) {
        return a + std::to_string(x) + std::string(b);
    });
    CHECK((std::vector{1} | join("<", ">")).execute() == "<1>");
}

TEST_CASE("a bound argument is one object for all items of a worker", "[map_stage]") {
    auto number = map_stage([](const std::string& text, int& count) {
        return std::to_string(++count) + text;
    });
    const auto pipe = std::vector<std::string>{"a", "b"} | number(0);
    CHECK(listed(pipe) == std::vector<std::string>{"1a", "2b"});
    CHECK(listed(pipe) == std::vector<std::string>{"1a", "2b"});
}

TEST_CASE("std::ref binds the original object to map_stage", "[map_stage]") {
    std::atomic<int> calls{0};
    auto count = map_stage({.workers = 2}, [](int x, std::atomic<int>& n) {
        ++n;
        return x;
    });
    CHECK(listed(std::views::iota(0, 50) | count(std::ref(calls))).size() == 50);
    CHECK(calls == 50);
}

TEST_CASE("a mutable callable of map_stage has a state of its own in each worker and run",
          "[map_stage]") {
    auto index = map_stage([i = 0](int x) mutable { return x * 0 + i++; });
    const auto pipe = std::vector{7, 8, 9} | index;
    CHECK(listed(pipe) == std::vector{0, 1, 2});
    CHECK(listed(pipe) == std::vector{0, 1, 2});
}

TEST_CASE("a generic callable of map_stage is resolved against the left side", "[map_stage]") {
    auto twice = map_stage([](auto x) { return x + x; });
    CHECK((std::vector{2} | twice).execute() == 4);
    CHECK((std::vector<std::string>{"ab"} | twice).execute() == "abab");
    CHECK((std::vector{1} | twice | twice | twice).execute() == 8);
    CHECK((std::vector{1} | twice | map_stage([](int x) { return std::to_string(x); }) | twice)
              .execute() == "22");

    auto by_reference = map_stage([](auto& x) { return std::move(x); });
    std::vector<std::unique_ptr<int>> pointers;
    pointers.push_back(std::make_unique<int>(3));
    CHECK(*(std::move(pointers) | by_reference).execute() == 3);
}

TEST_CASE("a generic callable of map_stage takes bound arguments", "[map_stage]") {
    auto plus = map_stage([](auto x, auto n) { return x + n; });
    CHECK((std::vector{1} | plus(7)).execute() == 8);
    CHECK((std::vector<std::string>{"a"} | plus(std::string("b"))).execute() == "ab");
    CHECK((std::vector{1} | plus(0.5)).execute() == 1.5);
}

TEST_CASE("an overloaded callable of map_stage is resolved against the left side", "[map_stage]") {
    struct Describe {
        std::string operator()(int) const { return "number"; }
        std::string operator()(const std::string&) const { return "text"; }
    };
    auto describe = map_stage(Describe{});
    CHECK((std::vector{1} | describe).execute() == "number");
    CHECK((std::vector{1} | describe | describe).execute() == "text");
}

TEST_CASE("an exception of map_stage's callable is reported as the stage's", "[map_stage][errors]") {
    auto fail = map_stage({.name = "fail"}, [](int x) {
        if (x == 2) throw std::out_of_range("two");
        return x;
    });
    try {
        (std::vector{1, 2, 3} | fail).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(std::string(e.what()) == "The task \"fail-0\" raised std::out_of_range: two");
    }
}

}  // namespace stages_map_stage_tests
