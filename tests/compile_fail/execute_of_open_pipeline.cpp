// A pipeline runs only with a source.
// expect: this pipeline is open at the front: no source feeds it; write (range | pipeline).results(), or (range | pipeline).execute()

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
auto made = (twice | twice).execute();
#else
auto made = (std::vector{1} | twice | twice).execute();
#endif
