// Settings come before the chain that is fused.
// expect: the settings stand last here

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = fuse(twice | twice, {.workers = 4});
#else
auto made = fuse({.workers = 4}, twice | twice);
#endif
