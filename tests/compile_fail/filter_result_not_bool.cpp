// The function of filter returns true or false.
// expect: this function does not fit its stage; take the item as the first parameter, and return true or false for filter(f)

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
