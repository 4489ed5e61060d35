// Every worker gets a copy of the callable.
// expect: one of these cannot be copied; capture or pass a std::shared_ptr

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
auto made = map_stage([p = std::make_unique<int>(1)](int x) { return x + *p; });
#else
auto made = map_stage([p = std::make_shared<int>(1)](int x) { return x + *p; });
#endif
