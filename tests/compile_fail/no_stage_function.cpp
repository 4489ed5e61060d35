// A stage function is a generator, a range or a sink.
// expect: this is no stage function

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = stage([](int x) { return x + 1; });
#else
auto made = map_stage([](int x) { return x + 1; });
#endif
