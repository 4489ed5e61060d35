#include <parallelpipe/item.hpp>

#include "support/catch.hpp"

#include <functional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

// Lasting: a view whose data outlives the item.
namespace item_tests {

using namespace parallelpipe;
using Text = Lasting<std::string_view>;

static_assert(std::ranges::view<Text> && std::ranges::borrowed_range<Text>);
static_assert(std::is_convertible_v<std::string_view, Text> && std::is_convertible_v<Text, std::string_view>);
static_assert(std::is_convertible_v<const char*, Text>);

TEST_CASE("a Lasting view equals the view that it was created from", "[lasting]") {
    const std::string_view word = "word";
    const Text lasting = word;
    CHECK(lasting == word);
    CHECK(lasting.data() == word.data());
    CHECK(lasting < Text("zoo"));
    CHECK(Text().empty());
    CHECK(Lasting(word).substr(1) == "ord");
    CHECK(std::hash<Text>()(lasting) == std::hash<std::string_view>()(word));
    CHECK(std::unordered_set<Text>{"a", "a"}.size() == 1);
}

TEST_CASE("any view can be Lasting", "[lasting]") {
    std::vector numbers = {1, 2, 3};
    const Lasting<std::span<int>> lasting = std::span(numbers);
    CHECK(lasting.size() == 3);
    CHECK(&lasting[1] == &numbers[1]);
    CHECK(Lasting<std::span<int>>(numbers).subspan(1).size() == 2);
}

}  // namespace item_tests
