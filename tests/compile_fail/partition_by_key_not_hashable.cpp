// Keys are told apart by their hash.
// expect: the key of partition_by has no std::hash

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto sizes = map_stage([](const std::vector<int>& v) { return v.size(); });

#ifdef MISTAKE
auto made = sizes.partition_by([](const std::vector<int>& v) { return v; });
#else
auto made = sizes.partition_by([](const std::vector<int>& v) { return v.front(); });
#endif
