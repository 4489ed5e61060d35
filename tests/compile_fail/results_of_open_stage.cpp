// A stage that runs by itself is a source.
// expect: this pipeline is open at the front

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
auto made = twice.results();
#else
auto made = (std::vector{1} | twice).results();
#endif
