// A ready-made stage with given types has these types.
// expect: this is no Stage<In, Out>: for items of type In it yields something else

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
Stage<int, int> made(batch(10));
#else
Stage<int, std::vector<int>> made(batch(10));
#endif
