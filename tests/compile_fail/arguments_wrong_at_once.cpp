// Arguments bound at once convert to the parameters after the Input.
// expect: this callable cannot be called with Input<In> and the bound arguments; bind one argument for each parameter after the Input

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
Stage made(add, "seven");
#else
Stage made(add, 7);
#endif
