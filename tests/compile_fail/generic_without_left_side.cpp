// A generic stage gets its item type from its left side.
// expect: generic and nothing on its left tells its item type

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto any = map_stage([](auto x) { return x; });
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = any | twice;
#else
auto made = twice | any;
#endif
