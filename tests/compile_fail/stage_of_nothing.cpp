// A stage reads or yields.
// expect: this one does neither

#include <parallelpipe.hpp>

using namespace parallelpipe;

#ifdef MISTAKE
Stage<void, void> made([] {});
#else
Stage<void, int> made([]() -> generator<int> { co_yield 1; });
#endif
