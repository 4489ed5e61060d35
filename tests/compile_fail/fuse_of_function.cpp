// fuse takes stages, not functions.
// expect: fuse takes one chain of stages: write fuse(a | b | c)

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = fuse({.workers = 2}, [](int x) { return x; });
#else
auto made = fuse({.workers = 2}, map_stage([](int x) { return x; }));
#endif
