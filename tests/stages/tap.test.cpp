#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// tap(): calls a function with each item and passes the item on.
namespace stages_tap_tests {

using namespace parallelpipe;
using support::listed;
using support::sorted;

TEST_CASE("tap calls its function with each item and passes the item on", "[tap]") {
    std::vector<int> seen;
    auto look = tap([&seen](int x) { seen.push_back(x); });
    static_assert(std::is_base_of_v<ItemStage<int, int>, decltype(look)>);
    CHECK(listed(std::vector{1, 2, 3} | look) == std::vector{1, 2, 3});
    CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("tap takes settings and generic functions, and ignores return values", "[tap]") {
    std::atomic<int> sum = 0;
    auto look = tap({.workers = 3, .name = "look"}, [&sum](const auto& x) { return sum += x; });
    CHECK(to_string(std::vector{1} | look) == "source | look(x3)");
    CHECK(sorted(std::views::iota(0, 10) | look).size() == 10);
    CHECK(sum == 45);
    auto add = tap([&sum](int x, int n) { sum += x + n; });
    CHECK((std::vector{1} | add(4)).execute() == 1);
    CHECK(sum == 50);
}

TEST_CASE("tap does not let its function change the item", "[tap]") {
    auto look = tap([](auto& x) { static_assert(std::is_const_v<std::remove_reference_t<decltype(x)>>); });
    CHECK((std::vector{1} | look).execute() == 1);
}

TEST_CASE("tap moves the item on, also move-only items and strings that its function takes as string_view", "[tap]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    int sum = 0;
    auto look = tap([&sum](const std::unique_ptr<int>& p) { sum += *p; });
    CHECK(*(std::vector{1, 2} | make | look).execute() == 2);
    CHECK(sum == 3);
    const std::string text = "a text that is too long for the small string";
    std::size_t size = 0;
    CHECK((std::vector{text} | tap([&size](std::string_view s) { size = s.size(); })).execute() ==
          text);
    CHECK(size == text.size());
}

}  // namespace stages_tap_tests
