// Items are values.
// expect: items are values: In and Out of a Stage must be object types

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

generator<int> same(Input<int> items);

#ifdef MISTAKE
Stage<int&, int> made(same);
#else
Stage<int, int> made(same);
#endif
