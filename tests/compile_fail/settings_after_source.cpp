// The settings of a range after it.
// expect: the settings come first: write map_stage({.workers = 4}, f)

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = source(std::vector{1, 2}, {.qsize = 8});
#else
auto made = source({.qsize = 8}, std::vector{1, 2});
#endif
