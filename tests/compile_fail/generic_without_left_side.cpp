// A generic stage learns its items from what stands on its left.
// expect: generic with nothing before it that tells its item type

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
