// The types of a generic callable cannot be deduced.
// expect: the item types of a generic or overloaded callable cannot be deduced

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto any = [](auto items) { return items; };

#ifdef MISTAKE
Stage made(any);
#else
Stage<int, int> made(any);
#endif
