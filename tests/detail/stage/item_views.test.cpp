#include <parallelpipe/detail/stage/item_views.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// views_memory and may_view: which types are views of memory that another object owns.
namespace detail_item_views_tests {

using namespace parallelpipe;
using detail::may_view;
using detail::views_memory;

namespace {

using Text = std::string_view;
using Words = std::vector<std::string>;

/// A recursive type, such as a JSON document.
struct Tree {
    using Branch = std::pair<const std::string, Tree>;
    std::shared_ptr<Branch[]> branches;
    Branch* begin() const { return branches.get(); }
    Branch* end() const { return branches.get(); }
};

struct Order {
    std::string customer;
    int number = 0;
};

struct Point {
    double x, y;
};

}  // namespace

TEST_CASE("a type that refers to the memory of another object is a view of memory", "[views]") {
    CHECK(views_memory<Text>());
    CHECK(views_memory<std::span<int>>());
    CHECK(views_memory<std::span<const int, 3>>());
    CHECK(views_memory<std::ranges::subrange<Words::iterator>>());
    CHECK(views_memory<std::ranges::ref_view<Words>>());
    CHECK(views_memory<decltype(std::declval<Words&>() | std::views::take(1))>());
    CHECK(views_memory<decltype(std::declval<Words&>() | std::views::transform(&std::string::size))>());
}

TEST_CASE("a type that contains a view of memory counts as one", "[views]") {
    CHECK(views_memory<std::vector<Text>>());
    CHECK(views_memory<std::array<Text, 2>>());
    CHECK(views_memory<std::map<Text, int>>());
    CHECK(views_memory<std::map<int, std::vector<Text>>>());
    CHECK(views_memory<std::pair<std::size_t, Text>>());
    CHECK(views_memory<std::tuple<int, std::span<int>>>());
    CHECK(views_memory<std::optional<Text>>());
    CHECK(views_memory<std::variant<int, Text>>());
}

TEST_CASE("a type that owns its memory, a plain pointer and Lasting are no views of memory", "[views]") {
    CHECK_FALSE(views_memory<int>());
    CHECK_FALSE(views_memory<std::string>());
    CHECK_FALSE(views_memory<Words>());
    CHECK_FALSE(views_memory<std::map<std::string, Words>>());
    CHECK_FALSE(views_memory<const char*>());
    CHECK_FALSE(views_memory<std::reference_wrapper<std::string>>());
    CHECK_FALSE(views_memory<std::ranges::iota_view<int, int>>());
    CHECK_FALSE(views_memory<decltype(std::views::iota(0, 9) | std::views::take(3))>());
    CHECK_FALSE(views_memory<std::ranges::owning_view<Words>>());
    CHECK_FALSE(views_memory<std::ranges::single_view<int>>());
    CHECK_FALSE(views_memory<Tree>());
    CHECK_FALSE(views_memory<Order>());
    CHECK_FALSE(views_memory<Lasting<Text>>());
    CHECK_FALSE(views_memory<std::vector<Lasting<Text>>>());
    CHECK_FALSE(views_memory<void>());
}

TEST_CASE("a view created from an item that owns its memory may refer to the item", "[views]") {
    CHECK(may_view<std::string, Text>());
    CHECK(may_view<std::string, std::vector<Text>>());
    CHECK(may_view<std::string, std::pair<Text, int>>());
    CHECK(may_view<std::vector<int>, std::span<int>>());
    CHECK(may_view<std::vector<int>, std::span<const int>>());
    CHECK(may_view<std::array<int, 4>, std::span<int>>());
    CHECK(may_view<Words, std::span<std::string>>());
    CHECK(may_view<Words, Text>());
    CHECK(may_view<Order, Text>());
    CHECK(may_view<std::unique_ptr<Order>, Text>());
    CHECK(may_view<std::vector<Text>, std::span<Text>>());
}

TEST_CASE("a view created from views, or from an item without memory, does not refer to the item", "[views]") {
    CHECK_FALSE(may_view<void, Text>());
    CHECK_FALSE(may_view<std::string, void>());
    CHECK_FALSE(may_view<int, Text>());
    CHECK_FALSE(may_view<Point, Text>());
    CHECK_FALSE(may_view<const char*, Text>());
    CHECK_FALSE(may_view<Text, Text>());
    CHECK_FALSE(may_view<Text, std::vector<Text>>());
    CHECK_FALSE(may_view<std::vector<Text>, Text>());
    CHECK_FALSE(may_view<std::vector<Text>, std::vector<Text>>());
    CHECK_FALSE(may_view<std::pair<std::size_t, Text>, Text>());
    CHECK_FALSE(may_view<std::reference_wrapper<Order>, Text>());
    CHECK_FALSE(may_view<std::string, Lasting<Text>>());
    CHECK_FALSE(may_view<Lasting<Text>, Text>());
    CHECK_FALSE(may_view<std::string, std::string>());
    CHECK_FALSE(may_view<std::string, std::ranges::iota_view<std::size_t, std::size_t>>());
}

}  // namespace detail_item_views_tests
