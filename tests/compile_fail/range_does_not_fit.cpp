// The elements of a range must convert to what the stage takes.
// expect: the elements of the range on the left of | do not convert to what the stage takes

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = std::vector<std::string>() | map_stage([](int x) { return x; });
#else
auto made = std::vector<std::string>() | std::views::transform(&std::string::size) |
            map_stage([](std::size_t x) { return x; });
#endif
