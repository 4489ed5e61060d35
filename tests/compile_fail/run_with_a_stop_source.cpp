// A run takes the token of a std::stop_source.
// expect: write pipe.results(source.get_token(), monitor)

#include <parallelpipe.hpp>

#include <stop_token>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });
std::stop_source stop;

#ifdef MISTAKE
auto made = twice.results(stop);
#else
auto made = twice.results(stop.get_token());
#endif
