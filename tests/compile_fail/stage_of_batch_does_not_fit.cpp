// The types of a stage that is told its items.
// expect: with items of In this stage does not yield Out

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
Stage<int, int> made(batch(10));
#else
Stage<int, std::vector<int>> made(batch(10));
#endif
