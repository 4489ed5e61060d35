// A run has one stop token.
// expect: a run takes one std::stop_token, one Monitor and one inline_run at most, and one of these is given twice

#include <parallelpipe.hpp>

#include <stop_token>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto run(Monitor& monitor, std::stop_token a, std::stop_token b) { return twice.execute(a, monitor, b); }
#else
auto run(Monitor& monitor, std::stop_token a, std::stop_token) { return twice.execute(a, monitor); }
#endif
