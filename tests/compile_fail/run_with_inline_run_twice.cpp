// A run is inline or not.
// expect: one of these is given twice; leave the second one out

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
void run() { twice.for_each([](int) {}, inline_run, inline_run); }
#else
void run() { twice.for_each([](int) {}, inline_run); }
#endif
