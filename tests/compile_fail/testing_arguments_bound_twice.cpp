// A Stage has its arguments already.
// expect: this Stage or Pipeline has its arguments already; leave them out

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <vector>

using namespace parallelpipe;

const auto add = [](Input<int> in, int n) -> generator<int> {
    for (int x : in) co_yield x + n;
};

#ifdef MISTAKE
auto made = testing::results_of(stage(add)(7), std::vector{1}, 7);
#else
auto made = testing::results_of(stage(add)(7), std::vector{1});
#endif
