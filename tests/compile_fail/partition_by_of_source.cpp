// A source takes no items, so it has none to partition.
// expect: a source takes no items, so it cannot partition them; call partition_by on a stage after it

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto numbers = Stage([]() -> generator<int> { co_yield 1; });
auto pass = Stage([](Input<int> items) -> generator<int> {
    for (int x : items) co_yield x;
});

#ifdef MISTAKE
auto made = numbers.partition_by([](int x) { return x; });
#else
auto made = numbers | pass.partition_by([](int x) { return x; });
#endif
