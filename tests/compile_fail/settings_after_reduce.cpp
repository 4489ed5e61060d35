// Settings come before all parameters of reduce.
// expect: the settings stand last here

#include <parallelpipe.hpp>

#include <functional>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = reduce(0, std::plus<>(), std::plus<>(), {.workers = 4});
#else
auto made = reduce({.workers = 4}, 0, std::plus<>(), std::plus<>());
#endif
