// A stage function returns a range of its results, also if its types are given.
// expect: this stage function returns no items of type Out; return generator<Out>

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
Stage<int, int> made([](Input<int> items) { return *items.begin(); });
#else
Stage<int, int> made([](Input<int> items) { return std::vector{*items.begin()}; });
#endif
