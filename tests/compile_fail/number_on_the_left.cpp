// The left side of | is a range, a stage or a pipeline.
// expect: the left side of | is neither a range nor a stage

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = 42 | twice;
#else
auto made = std::views::single(42) | twice;
#endif
