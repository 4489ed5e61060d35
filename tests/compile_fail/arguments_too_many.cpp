// A stage takes one argument for each parameter after the Input.
// expect: these arguments do not fit the parameters after the Input of the stage function

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
