// A setting of another name, of a verb that takes nothing.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = enumerate({.queue_size = 8});
#else
auto made = enumerate({.qsize = 8});
#endif
