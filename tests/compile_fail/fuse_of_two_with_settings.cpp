// fuse takes a chain, not its parts, with settings too.
// expect: fuse takes one chain of stages: write fuse(a | b | c)

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = fuse({.workers = 2}, twice, twice);
#else
auto made = fuse({.workers = 2}, twice | twice);
#endif
