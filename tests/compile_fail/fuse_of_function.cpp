// fuse is given stages, not functions.
// expect: fuse takes stages that are chained already

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = fuse({.workers = 2}, [](int x) { return x; });
#else
auto made = fuse({.workers = 2}, map_stage([](int x) { return x; }));
#endif
