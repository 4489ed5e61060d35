// A Monitor watches threads, and inline_run starts none.
// expect: a Monitor watches the threads of a run, and inline_run starts none

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto run(Monitor& monitor) { return twice.results(inline_run, monitor); }
#else
auto run(Monitor&) { return twice.results(inline_run).stats(); }
#endif
