// A generator function that takes an item, not an Input, would be a source.
// expect: write map_stage(f) or flat_map(f)

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

generator<int> twice(int x) {
    co_yield x;
    co_yield x;
}
const std::vector numbers = {1, 2};

#ifdef MISTAKE
void make() { numbers | stage(twice); }
#else
auto made = numbers | flat_map(twice);
#endif
