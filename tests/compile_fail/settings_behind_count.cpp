// The settings of a verb come first, whatever it takes.
// expect: the settings come first

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = batch(10, {.qsize = 100});
#else
auto made = batch({.qsize = 100}, 10);
#endif
