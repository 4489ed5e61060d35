// A pipeline runs only with a source.
// expect: this pipeline is open at the front: no source feeds it; write (range | pipeline).results()

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
auto made = (twice | twice).results();
#else
auto made = (std::vector{1} | twice | twice).results();
#endif
