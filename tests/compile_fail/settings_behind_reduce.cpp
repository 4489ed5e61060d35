// The settings of a verb come first, however much it takes.
// expect: the settings come first

#include <parallelpipe.hpp>

#include <functional>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = reduce(0, std::plus<>(), std::plus<>(), {.workers = 4});
#else
auto made = reduce({.workers = 4}, 0, std::plus<>(), std::plus<>());
#endif
