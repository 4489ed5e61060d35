// A generator has one owner.
// expect: the range that source takes can only be moved, not referred to; write source(std::move(range))

#include <parallelpipe.hpp>

#include <utility>

using namespace parallelpipe;

generator<int> count() { co_yield 1; }
auto counting = count();

#ifdef MISTAKE
auto made = source(counting);
#else
auto made = source(std::move(counting));
#endif
