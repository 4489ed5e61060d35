// A generic stage must be callable with the items on its left.
// expect: the generic stage on the right of | cannot be called with the items on its left

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto size = map_stage([](const auto& x) requires requires { x.size(); } { return x.size(); });

#ifdef MISTAKE
auto made = std::vector{1} | size;
#else
auto made = std::vector<std::string>() | size;
#endif
