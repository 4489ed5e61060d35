#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// filter(): passes on the items for which a predicate is true.
namespace stages_filter_tests {

using namespace parallelpipe;
using support::Counted;
using support::listed;
using support::sorted;
using support::Tally;

namespace {

struct Page {
    std::string url;
    bool is_good() const { return url.size() > 1; }
    bool good = false;
};

bool is_even(int x) { return x % 2 == 0; }

struct Limit {
    int at;
    bool is_below(int x) const { return x < at; }
};

}  // namespace

TEST_CASE("filter passes on the items for which its predicate is true", "[filter]") {
    auto even = filter(is_even);
    static_assert(std::is_base_of_v<ItemStage<int, int>, decltype(even)>);
    CHECK(listed(std::views::iota(0, 7) | even) == std::vector{0, 2, 4, 6});
    CHECK(listed(std::vector{1, 3} | even).empty());
    CHECK(listed(std::vector<int>{} | even).empty());
}

TEST_CASE("filter takes settings, generic predicates, members and arguments", "[filter]") {
    CHECK(to_string(filter({.workers = 3, .name = "even"}, is_even)) == "even(x3)");
    CHECK(sorted(std::views::iota(0, 100) | filter({.workers = 3}, is_even)).size() == 50);
    CHECK(listed(std::vector{1, 2, 3} | filter([](auto x) { return x > 1; })) == std::vector{2, 3});
    const std::vector<Page> pages{{"a", true}, {"bc", false}};
    CHECK((pages | filter(&Page::is_good)).execute().url == "bc");
    CHECK((pages | filter(&Page::good)).execute().url == "a");
    CHECK(listed(std::vector{1, 5, 2} | filter(&Limit::is_below)(Limit{3})) == std::vector{1, 2});
    auto below = filter([](int x, int n) { return x < n; });
    CHECK(listed(std::vector{1, 5, 2} | below(3)) == std::vector{1, 2});
    CHECK(listed(std::vector{1, 5, 2} | filter(std::bind_front(std::less<>(), 2))) ==
          std::vector{5});
}

TEST_CASE("filter passes on the item itself and copies nothing", "[filter]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 6; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    int sum = 0;
    (source | filter([](const Counted& x) { return x.value > 2; }))
        .for_each([&sum](const Counted& x) { sum += x.value; });
    CHECK(sum == 12);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("filter works on move-only items", "[filter]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    auto read = map_stage([](const std::unique_ptr<int>& p) { return *p; });
    CHECK(listed(std::views::iota(0, 5) | make |
                 filter([](const std::unique_ptr<int>& p) { return *p != 2; }) | read) ==
          std::vector{0, 1, 3, 4});
}

TEST_CASE("a predicate may take a string_view of strings, which pass on as strings", "[filter]") {
    auto some = filter([](std::string_view s) { return !s.empty(); });
    const std::vector<std::string> texts{"", "a text that is too long for the small string", "b"};
    auto pipeline = texts | some;
    static_assert(std::is_same_v<decltype(pipeline), Pipeline<void, std::string>>);
    CHECK(listed(pipeline) == std::vector{texts[1], texts[2]});
}

TEST_CASE("a mutable predicate keeps its state in each worker of each run", "[filter]") {
    auto every_second = filter([n = 0](int) mutable { return n++ % 2 == 0; });
    const auto pipeline = std::vector{1, 2, 3} | every_second;
    CHECK(listed(pipeline) == std::vector{1, 3});
    CHECK(listed(pipeline) == std::vector{1, 3});
}

}  // namespace stages_filter_tests
