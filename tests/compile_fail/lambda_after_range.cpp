// A lambda that takes an Input becomes a stage by stage(f).
// expect: range | stage(f) where f takes an Input

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto pass = [](Input<int> in) -> generator<int> {
    for (int x : in) co_yield x;
};

#ifdef MISTAKE
auto made = numbers | pass;
#else
auto made = numbers | stage(pass);
#endif
