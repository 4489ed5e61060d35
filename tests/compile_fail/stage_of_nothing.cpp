// A stage function reads or yields items.
// expect: this function neither takes an Input<In> nor returns items

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
Stage<void, void> made([] {});
#else
Stage<void, int> made([]() -> generator<int> { co_yield 1; });
#endif
