// A stage that lacks arguments does not run.
// expect: this stage lacks its arguments, or a range on its left; write (range | my_stage(7)).results()

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
auto add_n = stage([](Input<int> in, int n) -> generator<int> {
    for (int x : in) co_yield x + n;
});

#ifdef MISTAKE
auto made = add_n.results();
#else
auto made = (numbers | add_n(7)).results();
#endif
