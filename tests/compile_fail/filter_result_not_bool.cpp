// filter asks whether an item passes.
// expect: this function is not what its verb calls

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
auto made = numbers | filter([](int x) { return std::to_string(x); });
#else
auto made = numbers | filter([](int x) { return x > 1; });
#endif
