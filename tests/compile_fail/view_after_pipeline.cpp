// Views apply to the results of a pipeline.
// expect: apply a view to the results: (left).results() | view

#include <parallelpipe.hpp>

#include <ranges>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
void make() { numbers | twice | std::views::take(1); }
#else
auto made = (numbers | twice).results() | std::views::take(1);
#endif
