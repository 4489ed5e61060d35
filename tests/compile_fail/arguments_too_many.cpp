// There is an argument for each parameter behind the Input.
// expect: these arguments do not fit the parameters behind the Input of the stage function

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

generator<int> add(Input<int> items, int n);

#ifdef MISTAKE
auto made = stage(add)(7, 8);
#else
auto made = stage(add)(7);
#endif
