// A source that lacks arguments does not run either.
// expect: this stage lacks its arguments

#include <parallelpipe.hpp>

using namespace parallelpipe;

auto up_to = stage([](int n) -> generator<int> {
    for (int i = 0; i < n; ++i) co_yield i;
});

#ifdef MISTAKE
auto made = up_to.execute();
#else
auto made = up_to(7).execute();
#endif
