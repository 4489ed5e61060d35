// A field name that Setup does not have, for a ready-made stage that takes braces itself.
// expect: Setup has no field of that name; its fields are, in this order, .workers, .qsize

#include <parallelpipe.hpp>

#include <chrono>

using namespace parallelpipe;

using namespace std::chrono_literals;

#ifdef MISTAKE
auto made = throttle({.queue_size = 8}, {100, 1s});
#else
auto made = throttle({.qsize = 8}, {100, 1s});
#endif
