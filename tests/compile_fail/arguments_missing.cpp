// A stage with parameters after its Input is called with arguments before it is used.
// expect: this stage lacks arguments for the parameters after its Input

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
auto made = std::vector{1} | stage(add);
#else
auto made = std::vector{1} | stage(add)(7);
#endif
