// The settings of a verb come first.
// expect: the settings come first: write map_stage({.workers = 4}, f)

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage([](int x) { return x; }, {.workers = 4});
#else
auto made = map_stage({.workers = 4}, [](int x) { return x; });
#endif
