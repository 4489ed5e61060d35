// map_stage needs a result for each item.
// expect: map_stage needs one result per item and this callable returns void

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage([](int) {});
#else
auto made = tap([](int) {}) | for_each([](int) {});
#endif
