// A pipeline that ends in a sink has no results to be kept.
// expect: a pipeline that ends in a sink has no results; call execute()

#include <parallelpipe.hpp>

using namespace parallelpipe;

const auto nothing = Stage([]() -> generator<int> { co_return; }) | for_each([](int) {});

#ifdef MISTAKE
void run(Results<void> results) { static_cast<void>(results.stats()); }
#else
void run() { nothing.execute(); }
#endif
