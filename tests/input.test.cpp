#include <parallelpipe/input.hpp>

#include <parallelpipe/generator.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"

#include <concepts>
#include <cstdint>
#include <forward_list>
#include <iterator>
#include <map>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Input: what a stage function reads, here over ranges of all kinds.
namespace input_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

template <class T>
std::vector<T> collected(Input<T> items) {
    std::vector<T> all;
    for (T& item : items) all.push_back(std::move(item));
    return all;
}

generator<int> up_to(int end) {
    for (int i = 0; i < end; ++i) co_yield i;
}

std::vector<Counted> counted(Tally& tally, int count) {
    std::vector<Counted> made;
    made.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) made.emplace_back(tally, i);
    return made;
}

}  // namespace

static_assert(std::ranges::view<Input<int>>);
static_assert(std::ranges::input_range<Input<int>>);
static_assert(!std::ranges::forward_range<Input<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<Input<int>>, int&>);
static_assert(!std::copy_constructible<Input<int>>);
static_assert(std::is_nothrow_move_constructible_v<Input<int>>);
static_assert(!std::convertible_to<std::vector<int>, Input<int>>);
static_assert(!std::constructible_from<Input<int>, int>);
static_assert(!std::constructible_from<Input<int>, std::vector<std::string>>);
static_assert(!std::constructible_from<Input<std::unique_ptr<int>>,
                                       std::vector<std::unique_ptr<int>>&>);

TEST_CASE("an Input over an rvalue container owns it and moves its elements", "[input]") {
    Tally tally;
    {
        Input<Counted> items(counted(tally, 3));
        int expected = 0;
        for (Counted& item : items) CHECK(item.value == expected++);
        CHECK(expected == 3);
        CHECK(tally.copies == 0);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("an Input over an lvalue container refers to it and copies its elements", "[input]") {
    Tally tally;
    std::vector<Counted> source = counted(tally, 3);
    for (Counted& item : Input<Counted>(source)) item.value = -1;
    CHECK(tally.copies == 3);
    CHECK(source[0].value == 0);
    CHECK(source[2].value == 2);
    CHECK(tally.alive == 3);
}

TEST_CASE("an Input over an lvalue container does not move its strings", "[input]") {
    std::vector<std::string> source{"a text that is too long for the small string", "b"};
    for (std::string& item : Input<std::string>(source)) const std::string taken = std::move(item);
    CHECK(source[0] == "a text that is too long for the small string");

    const std::vector<std::string> fixed = source;
    CHECK(collected(Input<std::string>(fixed)) == source);
}

TEST_CASE("an Input over an rvalue container takes move-only elements", "[input]") {
    std::vector<std::unique_ptr<int>> source;
    source.push_back(std::make_unique<int>(1));
    source.push_back(std::make_unique<int>(2));
    int sum = 0;
    for (std::unique_ptr<int>& item : Input<std::unique_ptr<int>>(std::move(source))) {
        const std::unique_ptr<int> mine = std::move(item);
        sum += *mine;
    }
    CHECK(sum == 3);
}

TEST_CASE("an Input over a view copies the elements that the view refers to", "[input]") {
    std::vector<std::string> source{"a text that is too long for the small string", "b"};
    const auto taken = collected(Input<std::string>(source | std::views::take(1)));
    CHECK(taken.size() == 1);
    CHECK(source[0] == "a text that is too long for the small string");
    CHECK(collected(Input<int>(std::views::iota(3, 6))) == std::vector{3, 4, 5});
}

TEST_CASE("an Input over a generator moves its elements", "[input]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        co_yield Counted(t, 1);
        co_yield Counted(t, 2);
    };
    int sum = 0;
    for (const Counted& item : Input<Counted>(body(tally))) sum += item.value;
    CHECK(sum == 3);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("an Input reads every kind of range", "[input]") {
    CHECK(collected(Input<int>(std::forward_list<int>{1, 2})) == std::vector{1, 2});
    CHECK(collected(Input<bool>(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
    int array[] = {4, 5};
    CHECK(collected(Input<int>(array)) == std::vector{4, 5});
    std::istringstream text("7 8 9");
    CHECK(collected(Input<int>(std::views::istream<int>(text))) == std::vector{7, 8, 9});
    using Entry = std::pair<const std::string, int>;
    int sum = 0;
    for (const Entry& entry : Input<Entry>(std::map<std::string, int>{{"a", 1}, {"b", 2}}))
        sum += entry.second;
    CHECK(sum == 3);
    CHECK(collected(Input<int>(std::vector<int>())).empty());
}

TEST_CASE("the elements of the range convert to the items", "[input]") {
    CHECK(collected(Input<std::string>(std::vector<const char*>{"a", "b"})) ==
          std::vector<std::string>{"a", "b"});
    CHECK(collected(Input<double>(std::vector{1, 2})) == std::vector{1.0, 2.0});
}

TEST_CASE("a second begin() continues after the last item that was read", "[input]") {
    Input<int> items(std::vector{1, 2, 3, 4});
    for (int x : items) {
        CHECK(x == 1);
        break;
    }
    std::vector<int> rest;
    for (int x : items) rest.push_back(x);
    CHECK(rest == std::vector{2, 3, 4});
    CHECK(items.begin() == items.end());
}

TEST_CASE("begin() does not lose an item that was not read", "[input]") {
    Input<int> items(std::vector{1, 2, 3});
    CHECK_FALSE(items.begin() == items.end());
    CHECK_FALSE(items.begin() == items.end());
    CHECK(*items.begin() == 1);
    CHECK(*items.begin() == 2);
    auto it = items.begin();
    CHECK(*it == 3);
    ++it;
    CHECK(it == items.end());
}

TEST_CASE("the current item keeps its address and may be changed", "[input]") {
    Input<std::string> items(std::vector<std::string>{"a", "b"});
    auto it = items.begin();
    it->append("x");
    CHECK(*it == "ax");
    ++it;
    CHECK(*it == "b");
}

TEST_CASE("an item is destroyed when the next one is asked for", "[input]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 3; ++i) co_yield Counted(t, i);
    };
    Input<Counted> items(body(tally));
    auto it = items.begin();
    CHECK(it->value == 0);
    CHECK(tally.alive == 2);  // the generator's and the current item
    ++it;
    CHECK(it->value == 1);
    CHECK(tally.alive == 2);
    ++it;
    CHECK(it->value == 2);
    ++it;
    CHECK(it == items.end());
    CHECK(tally.alive == 0);
}

TEST_CASE("a loop over the first n items reads n elements of the range, not one more", "[input]") {
    int asked = 0;
    auto body = [](int& made) -> generator<int> {
        for (;;) co_yield ++made;
    };
    Input<int> items(body(asked));
    auto it = items.begin();
    CHECK(asked == 0);
    CHECK(*it == 1);
    ++it;
    CHECK(*it == 2);
    ++it;
    CHECK(asked == 2);
    for (int x : std::move(items) | std::views::take(3)) CHECK(x == asked);
    CHECK(asked == 5);
}

TEST_CASE("destroying an Input early destroys its items", "[input]") {
    Tally tally;
    {
        Input<Counted> items(counted(tally, 5));
        CHECK(items.begin()->value == 0);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("a moved Input continues at its position", "[input]") {
    Input<int> first(std::vector{1, 2, 3});
    CHECK(*first.begin() == 1);
    Input<int> second = std::move(first);
    CHECK(*second.begin() == 2);
    Input<int> third(std::vector{9});
    third = std::move(second);
    CHECK(collected(std::move(third)) == std::vector{3});
}

TEST_CASE("views work on an Input", "[input]") {
    std::vector<int> seen;
    for (int x : Input<int>(up_to(100)) | std::views::filter([](int i) { return i % 2 == 1; }) |
                     std::views::transform([](int i) { return i * 10; }) | std::views::take(3))
        seen.push_back(x);
    CHECK(seen == std::vector{10, 30, 50});
}

TEST_CASE("a view of the first items of an Input leaves the rest in the Input", "[input]") {
    Input<int> items(std::vector{1, 2, 3, 4, 5});
    std::vector<int> first;
    for (int x : std::ranges::ref_view(items) | std::views::take(2)) first.push_back(x);
    CHECK(first == std::vector{1, 2});
    CHECK_FALSE(items.begin() == items.end());
}

TEST_CASE("an exception of the range leaves the loop over the Input", "[input][errors]") {
    Tally tally;
    {
        Input<Counted> items(std::views::iota(0) | std::views::transform([&tally](int i) {
                                 if (i == 2) throw std::runtime_error("two");
                                 return Counted(tally, i);
                             }));
        auto it = items.begin();
        ++it;
        CHECK(it->value == 1);
        ++it;
        CHECK_THROWS_WITH(it == items.end(), "two");
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("over-aligned items of an Input are aligned", "[input]") {
    struct alignas(128) Wide {
        int value;
    };
    for (Wide& item : Input<Wide>(std::vector<Wide>(2)))
        CHECK(reinterpret_cast<std::uintptr_t>(&item) % alignof(Wide) == 0);
}

}  // namespace input_tests
