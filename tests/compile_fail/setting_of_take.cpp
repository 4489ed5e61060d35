// A field name that Setup does not have, for a ready-made stage with a number.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = take({.capacity = 8}, 10);
#else
auto made = take({.qsize = 8}, 10);
#endif
