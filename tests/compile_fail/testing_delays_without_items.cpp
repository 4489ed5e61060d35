// A stage function that reads items runs with items, with delays too.
// expect: write run_with_delays({.seed = 7}, f, std::vector{1, 2, 3})

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <vector>

using namespace parallelpipe;

const auto same = [](Input<int> in) -> generator<int> {
    for (int x : in) co_yield x;
};

#ifdef MISTAKE
auto made = testing::run_with_delays({.seed = 7}, same);
#else
auto made = testing::run_with_delays({.seed = 7}, same, std::vector{1, 2, 3});
#endif
