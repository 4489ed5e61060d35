// A setting of another name, of what takes a range.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = source({.queue_size = 8}, std::vector{1, 2});
#else
auto made = source({.qsize = 8}, std::vector{1, 2});
#endif
