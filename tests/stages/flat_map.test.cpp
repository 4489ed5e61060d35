#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <ranges>
#include <semaphore>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// flat_map() and unbatch(): a range of results for each item.
namespace stages_flat_map_tests {

using namespace parallelpipe;
using support::Counted;
using support::listed;
using support::sorted;
using support::Tally;

namespace {

struct Page {
    std::vector<std::string> links;
    const std::vector<std::string>& all() const { return links; }
};

std::vector<int> repeated(int x) { return std::vector<int>(static_cast<std::size_t>(x), x); }

}  // namespace

TEST_CASE("flat_map yields every element of the range that its function returns", "[flat_map]") {
    auto repeat = flat_map(repeated);
    static_assert(std::is_same_v<decltype(repeat), ItemStage<int, int>>);
    CHECK(listed(std::vector{2, 0, 1, 3} | repeat) == std::vector{2, 2, 1, 3, 3, 3});
    CHECK(listed(std::vector{0, 0} | repeat).empty());
}

TEST_CASE("flat_map takes settings, generic functions and arguments", "[flat_map]") {
    CHECK(to_string(flat_map({.workers = 2, .name = "repeat"}, repeated)) == "repeat(x2)");
    CHECK(sorted(std::views::iota(0, 20) | flat_map({.workers = 2}, repeated)).size() == 190);
    CHECK(listed(std::vector{1, 2} | flat_map([](auto x) { return std::array{x, x + 10}; })) ==
          std::vector{1, 11, 2, 12});
    auto times = flat_map([](int x, std::size_t n) { return std::vector<int>(n, x); });
    CHECK(listed(std::vector{1, 2} | times(std::size_t{2})) == std::vector{1, 1, 2, 2});
}

TEST_CASE("flat_map takes any input range: lists, views, generators, optional-like ones",
          "[flat_map]") {
    CHECK(listed(std::vector{3} | flat_map([](int n) { return std::views::iota(0, n); })) ==
          std::vector{0, 1, 2});
    CHECK(listed(std::vector{3} | flat_map([](int n) { return std::list<int>{n, n}; })) ==
          std::vector{3, 3});
    CHECK(listed(std::vector{3} | flat_map([](int n) -> generator<int> {
                     for (int i = 0; i < n; ++i) co_yield i * i;
                 })) == std::vector{0, 1, 4});
    CHECK(listed(std::vector{3} | flat_map([](int n) {
                     return std::views::iota(0, n) | std::views::filter([](int i) { return i != 1; });
                 })) == std::vector{0, 2});
}

TEST_CASE("flat_map may return a view of the item", "[flat_map]") {
    auto letters = flat_map([](const std::string& text) {
        return text | std::views::transform([](char c) { return static_cast<char>(c + 1); });
    });
    CHECK(listed(std::vector<std::string>{"ab", "", "y"} | letters) == std::vector{'b', 'c', 'z'});
    auto own = flat_map([](std::string_view text) { return text; });
    CHECK(listed(std::vector<std::string>{"ab", "c"} | own) == std::vector{'a', 'b', 'c'});
}

TEST_CASE("flat_map moves the elements of a container that its function returns by value", "[flat_map]") {
    Tally tally;
    auto make = flat_map([&tally](int n) {
        std::vector<Counted> all;
        all.reserve(static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) all.emplace_back(tally, i);
        return all;
    });
    int sum = 0;
    (std::vector{3, 4} | make).for_each([&sum](const Counted& x) { sum += x.value; });
    CHECK(sum == 9);
    (std::vector{3, 4} | make.setup({.on_error = OnError::skip}))
        .for_each([&sum](const Counted& x) { sum += x.value; });
    CHECK(sum == 18);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("flat_map copies the elements of a container that its function refers to", "[flat_map]") {
    const std::string text = "a text that is too long for the small string";
    std::vector<std::string> table{text};
    auto look_up = flat_map([&table](int) -> std::vector<std::string>& { return table; });
    CHECK(listed(std::vector{1, 2} | look_up) == std::vector{text, text});
    CHECK(table.front() == text);
    const std::vector<Page> pages{{{text}}, {{"b", "c"}}};
    CHECK(listed(pages | flat_map(&Page::links)) == std::vector<std::string>{text, "b", "c"});
    CHECK(listed(pages | flat_map(&Page::all)) == std::vector<std::string>{text, "b", "c"});
}

TEST_CASE("flat_map yields move-only results", "[flat_map]") {
    auto make = flat_map([](int n) -> generator<std::unique_ptr<int>> {
        for (int i = 0; i < n; ++i) co_yield std::make_unique<int>(i);
    });
    auto read = map_stage([](const std::unique_ptr<int>& p) { return *p; });
    CHECK(listed(std::vector{2, 1} | make | read) == std::vector{0, 1, 0});
    CHECK(listed(std::vector{2, 1} | make.setup({.on_error = OnError::skip}) | read) ==
          std::vector{0, 1, 0});
}

TEST_CASE("an element of flat_map leaves before the next one is computed", "[flat_map]") {
    std::binary_semaphore seen(0);
    auto slow = flat_map([&seen](int) -> generator<int> {
        co_yield 1;
        seen.acquire();
        co_yield 2;
    });
    int count = 0;
    for (int x : (std::vector{0} | slow).results()) {
        if (x == 1) seen.release();
        ++count;
    }
    CHECK(count == 2);
}

TEST_CASE("unbatch yields the elements of ranges", "[flat_map][unbatch]") {
    const std::vector<std::vector<int>> parts{{1}, {}, {2, 3}};
    CHECK(listed(parts | unbatch()) == std::vector{1, 2, 3});
    CHECK(sorted(parts | unbatch({.workers = 2})) == std::vector{1, 2, 3});
    CHECK(listed(std::vector<std::string>{"ab", "c"} | unbatch()) == std::vector{'a', 'b', 'c'});
    CHECK(listed(std::vector<std::vector<bool>>{{true}, {false, true}} | unbatch()) ==
          std::vector{true, false, true});
    CHECK(listed(std::views::iota(0, 10) | batch(3) | unbatch()).size() == 10);
}

TEST_CASE("unbatch moves the elements", "[flat_map][unbatch]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    auto read = map_stage([](const std::unique_ptr<int>& p) { return *p; });
    CHECK(listed(std::views::iota(0, 5) | make | batch(2) | unbatch() | read) ==
          std::vector{0, 1, 2, 3, 4});
}

}  // namespace stages_flat_map_tests
