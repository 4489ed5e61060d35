// An item is destroyed before the next stage reads a view of it.
// expect: the items on the left of | own their memory

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace parallelpipe;

const auto line = map_stage([](int x) { return std::to_string(x); });
#ifdef MISTAKE
auto made = line | stage([](Input<std::string_view> in) { for (auto part : in) static_cast<void>(part); });
#else
auto made = line | stage([](Input<std::string> in) { for (std::string_view part : in) static_cast<void>(part); });
#endif
