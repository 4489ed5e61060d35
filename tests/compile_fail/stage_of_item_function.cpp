// A function of one item is for map_stage; the message comes before the errors that follow from it.
// expect: this is no stage function

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

const std::vector<int> numbers{1, 2};
#ifdef MISTAKE
auto made = numbers | stage([](int x) { return x; });
#else
auto made = numbers | map_stage([](int x) { return x; });
#endif
