// The results of a run are kept or read.
// expect: a run whose results are dropped ends at once: loop over them

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
void run() { (numbers | twice).results(); }
#else
void run() { (numbers | twice).execute(); }
#endif
