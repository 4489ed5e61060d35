// The op of reduce takes the sum and an item.
// expect: the op of reduce is called as sum = op(sum, item)

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

struct Item {
    long size;
};
const std::vector<Item> items = {{1}, {2}};

#ifdef MISTAKE
auto made = items | reduce(0L, [](long a, long b) { return a + b; });
#else
auto made = items | reduce(0L, [](long sum, const Item& item) { return sum + item.size; });
#endif
