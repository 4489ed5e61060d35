// The key of a generic stage is checked with the items on its left.
// expect: the key of partition_by is called with the item and must be copyable

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto same = map_stage([](auto x) { return x; });

#ifdef MISTAKE
auto made = std::vector{1, 2, 3} | same.partition_by([](const std::string& s) { return s; });
#else
auto made = std::vector{1, 2, 3} | same.partition_by([](int x) { return x; });
#endif
