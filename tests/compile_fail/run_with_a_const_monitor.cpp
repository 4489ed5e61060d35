// A const Monitor cannot watch a run.
// expect: where the Monitor is a variable that is not const

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto run(const Monitor& monitor) { return twice.results(monitor); }
#else
auto run(Monitor& monitor) { return twice.results(monitor); }
#endif
