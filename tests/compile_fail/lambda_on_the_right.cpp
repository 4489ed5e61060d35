// A function becomes a stage before it stands on the right of |.
// expect: the right side of | is not a stage; wrap the function

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = twice | [](int x) { return x; };
#else
auto made = twice | map_stage([](int x) { return x; });
#endif
