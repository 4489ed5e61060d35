// The function of flat_map returns a range.
// expect: for one result per item write map_stage(f)

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = flat_map([](int x) { return 2 * x; });
#else
auto made = map_stage([](int x) { return 2 * x; });
#endif
