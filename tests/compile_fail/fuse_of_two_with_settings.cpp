// fuse is given the chain, not its parts, with settings too.
// expect: fuse takes stages that are chained already

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = fuse({.workers = 2}, twice, twice);
#else
auto made = fuse({.workers = 2}, twice | twice);
#endif
