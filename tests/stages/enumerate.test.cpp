#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <cstddef>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// enumerate(): numbers the items.
namespace stages_enumerate_tests {

using namespace parallelpipe;
using support::listed;

TEST_CASE("enumerate numbers its items from 0", "[enumerate]") {
    auto pipeline = std::vector<std::string>{"a", "b"} | enumerate();
    static_assert(
        std::is_same_v<decltype(pipeline), Pipeline<void, std::pair<std::size_t, std::string>>>);
    using Numbered = std::vector<std::pair<std::size_t, std::string>>;
    CHECK(listed(pipeline) == Numbered{{0, "a"}, {1, "b"}});
    CHECK(listed(pipeline) == Numbered{{0, "a"}, {1, "b"}});
    CHECK(to_string(pipeline | enumerate({.name = "again"})) ==
          "source | enumerate_0(x1) | again(x1)");
}

TEST_CASE("enumerate moves its items", "[enumerate]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    std::size_t right = 0;
    for (auto& [i, p] : (std::views::iota(0, 10) | make | enumerate()).results())
        if (static_cast<int>(i) == *p) ++right;
    CHECK(right == 10);
}

}  // namespace stages_enumerate_tests
