// A field name that Setup does not have, set later.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
void set() { twice.setup({.worker = 2}); }
#else
void set() { twice.setup({.workers = 2}); }
#endif
