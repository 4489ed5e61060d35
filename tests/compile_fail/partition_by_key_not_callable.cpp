// The key is called with the item.
// expect: the key of partition_by is called with the item and must be copyable

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
auto made = twice.partition_by([](const std::string& name) { return name; });
#else
auto made = twice.partition_by([](int x) { return x % 10; });
#endif
