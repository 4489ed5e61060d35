// A sink has no results.
// expect: the left side of | is a sink, which has no results; put it last

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto sink = stage([](Input<int> items) {
    for ([[maybe_unused]] int x : items) continue;
});
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = sink | twice;
#else
auto made = twice | sink;
#endif
