// The elements of a map are not its only template parameters.
// expect: name the whole type: collect<std::map<Key, Value>>()

#include <parallelpipe.hpp>

#include <map>
#include <utility>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto doubled = numbers | map_stage([](int x) { return std::pair(x, 2 * x); });

#ifdef MISTAKE
auto made = doubled.collect<std::map>();
#else
auto made = doubled.collect<std::map<int, int>>();
#endif
