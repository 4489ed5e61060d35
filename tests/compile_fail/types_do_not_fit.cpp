// The results of a stage convert to the items of the next one.
// expect: what the left side of | yields does not convert to what the right side takes

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage([](int x) { return std::to_string(x); }) | map_stage([](int x) { return x; });
#else
auto made = map_stage([](int x) { return std::to_string(x); }) | map_stage([](const std::string& s) { return std::stoi(s); }) |
            map_stage([](int x) { return x; });
#endif
