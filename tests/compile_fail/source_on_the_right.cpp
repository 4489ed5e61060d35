// A source takes no items.
// expect: the right side of | is a source: it takes no items; put it first

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto numbers = stage([]() -> generator<int> { co_yield 1; });
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = twice | numbers;
#else
auto made = numbers | twice;
#endif
