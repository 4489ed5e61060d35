// A sink has no results.
// expect: this pipeline ends in a sink and has no results; call execute()

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
auto made = std::vector{1} | sink;

#ifdef MISTAKE
void run() { made.results(); }
#else
void run() { made.execute(); }
#endif
