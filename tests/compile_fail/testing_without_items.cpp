// A stage function that reads items runs with items.
// expect: this function reads items; write results_of(f, std::vector{1, 2, 3})

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <vector>

using namespace parallelpipe;

const auto same = [](Input<int> in) -> generator<int> {
    for (int x : in) co_yield x;
};

#ifdef MISTAKE
auto made = testing::results_of(same);
#else
auto made = testing::results_of(same, std::vector{1, 2, 3});
#endif
