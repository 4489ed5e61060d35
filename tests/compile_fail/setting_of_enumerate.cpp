// A field name that Setup does not have, for a ready-made stage without parameters.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = enumerate({.queue_size = 8});
#else
auto made = enumerate({.qsize = 8});
#endif
