// Settings come before the function.
// expect: the settings stand last here, and come first in every ready-made stage; write map_stage({.workers = 4}, f)

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage([](int x) { return x; }, {.workers = 4});
#else
auto made = map_stage({.workers = 4}, [](int x) { return x; });
#endif
