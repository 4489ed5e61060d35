// The arguments of a stage are bound once.
// expect: the arguments of this stage are bound already

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto add = map_stage([](auto x, int n) { return x + n; });

#ifdef MISTAKE
auto made = add(7)(8);
#else
auto made = add(7);
#endif
