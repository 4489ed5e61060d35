// Settings come before a number.
// expect: the settings stand last here, and come first in every ready-made stage

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = batch(10, {.qsize = 100});
#else
auto made = batch({.qsize = 100}, 10);
#endif
