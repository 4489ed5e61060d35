// A function where source takes a range.
// expect: source takes a range, and this is none; for a function that returns a generator write stage(f)

#include <parallelpipe.hpp>

using namespace parallelpipe;

generator<int> count() { co_yield 1; }

#ifdef MISTAKE
auto made = source(count).results();
#else
auto made = stage(count).results();
#endif
