#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <memory>
#include <ranges>
#include <vector>

// drop(): omits the first items.
namespace stages_drop_tests {

using namespace parallelpipe;
using support::listed;

TEST_CASE("drop omits the first items", "[drop]") {
    CHECK(listed(std::views::iota(1, 6) | drop(2)) == std::vector{3, 4, 5});
    CHECK(listed(std::views::iota(1, 6) | drop({.name = "d"}, 0)).size() == 5);
    CHECK(listed(std::vector{1, 2} | drop(2)).empty());
    CHECK(listed(std::vector{1, 2} | drop(3)).empty());
}

TEST_CASE("drop counts anew in each run and moves its items", "[drop]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    const auto pipeline = std::views::iota(0, 3) | make | drop(2);
    CHECK(**pipeline.results().begin() == 2);
    CHECK(pipeline.collect().size() == 1);
}

}  // namespace stages_drop_tests
