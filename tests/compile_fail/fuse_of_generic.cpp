// fuse makes its stage at once, before the left side of | is known.
// expect: its first stage has to know its item type

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
void make() { fuse({.workers = 2}, any); }
#else
auto made = fuse({.workers = 2}, twice | any);
#endif
