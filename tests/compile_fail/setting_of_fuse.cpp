// A field name that Setup does not have, for a fused stage.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = fuse({.threads = 2}, twice | twice);
#else
auto made = fuse({.workers = 2}, twice | twice);
#endif
