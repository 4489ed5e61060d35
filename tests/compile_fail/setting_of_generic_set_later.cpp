// A field name that Setup does not have, for a stage that does not know its items yet.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto same = map_stage([](auto x) { return x; });

#ifdef MISTAKE
void set() { same.setup({.worker = 2}); }
#else
void set() { same.setup({.workers = 2}); }
#endif
