// A stage on the left of | has its arguments.
// expect: the stage on the left of | lacks its arguments

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

generator<int> add(Input<int> items, int n);
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = stage(add) | twice;
#else
auto made = stage(add)(7) | twice;
#endif
