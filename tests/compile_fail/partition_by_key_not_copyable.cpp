// Each run has a copy of the key.
// expect: the key of partition_by is called with the item and must be copyable

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });
auto modulus = std::make_unique<int>(10);

#ifdef MISTAKE
auto made = twice.partition_by([modulus = std::move(modulus)](int x) { return x % *modulus; });
#else
auto made = twice.partition_by([modulus = modulus.get()](int x) { return x % *modulus; });
#endif
