// A map takes pairs, not numbers.
// expect: this container does not take the results of the pipeline

#include <parallelpipe.hpp>

#include <map>
#include <utility>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};

#ifdef MISTAKE
auto made = (numbers | map_stage([](int x) { return 2 * x; })).collect<std::map<int, int>>();
#else
auto made = (numbers | map_stage([](int x) { return std::pair(x, 2 * x); })).collect<std::map<int, int>>();
#endif
