// fuse takes a chain, not its parts.
// expect: fuse takes one chain of stages: write fuse(a | b | c)

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });
auto again = map_stage([](int x) { return x + 1; });

#ifdef MISTAKE
void make() { fuse(twice, again); }
#else
auto made = fuse(twice | again);
#endif
