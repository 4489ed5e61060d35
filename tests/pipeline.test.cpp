#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <vector>

using namespace parallelpipe;

TEST_CASE("a pipeline over a range yields every result once", "[pipeline]") {
    auto twice = map_stage({.workers = 3}, [](int x) { return 2 * x; });
    long sum = 0;
    for (int x : (std::views::iota(0, 1000) | twice).results()) sum += x;
    CHECK(sum == 999000);
}
