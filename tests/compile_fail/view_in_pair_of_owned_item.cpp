// A part of an item does not become a view either.
// expect: the items on the left of | own their memory

#include <parallelpipe.hpp>

#include <string>
#include <string_view>
#include <utility>

using namespace parallelpipe;

const auto line = map_stage([](int x) { return std::pair(std::to_string(x), x); });
using part = std::pair<std::string_view, int>;
using whole = std::pair<std::string, int>;

#ifdef MISTAKE
auto made = line | for_each([](part) {});
#else
auto made = line | for_each([](const whole&) {});
#endif
