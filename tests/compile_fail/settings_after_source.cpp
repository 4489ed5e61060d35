// The settings of a range after it.
// expect: the settings stand last here, and come first in every ready-made stage

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = source(std::vector{1, 2}, {.qsize = 8});
#else
auto made = source({.qsize = 8}, std::vector{1, 2});
#endif
