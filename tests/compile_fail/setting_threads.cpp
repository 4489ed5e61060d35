// A field name that Setup does not have.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage({.threads = 4, .name = "f"}, [](int x) { return x; });
#else
auto made = map_stage({.workers = 4, .name = "f"}, [](int x) { return x; });
#endif
