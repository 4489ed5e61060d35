// A run takes no number: the workers are settings of a stage.
// expect: a run takes a std::stop_token, a Monitor and inline_run, and one of these arguments is something else

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage({.workers = 4}, [](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = twice.execute(4);
#else
auto made = twice.execute();
#endif
