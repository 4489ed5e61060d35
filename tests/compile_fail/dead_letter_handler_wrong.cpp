// A dead-letter handler gets the error and the item, in that order.
// expect: a dead-letter handler is called with the error and the item

#include <parallelpipe.hpp>

#include <exception>

using namespace parallelpipe;

auto map = map_stage([](int x) { return x; });

#ifdef MISTAKE
auto made = map.dead_letter([](int&, std::exception_ptr) {});
#else
auto made = map.dead_letter([](std::exception_ptr, int&) {});
#endif
