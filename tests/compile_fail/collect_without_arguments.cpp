// A stage that lacks arguments collects nothing, whatever the container is.
// expect: this stage lacks its arguments, or a range on its left

#include <parallelpipe.hpp>

#include <set>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto add = stage([](Input<int> items, int n) -> generator<int> {
    for (int x : items) co_yield x + n;
});

#ifdef MISTAKE
auto made = add.collect<std::set<int>>();
#else
auto made = (numbers | add(7)).collect<std::set<int>>();
#endif
