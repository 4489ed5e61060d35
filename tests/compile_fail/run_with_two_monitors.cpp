// One Monitor watches a run.
// expect: one of these is given twice; leave the second one out

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto run(Monitor& a, Monitor& b) { return twice.collect(a, b); }
#else
auto run(Monitor& a, Monitor&) { return twice.collect(a); }
#endif
