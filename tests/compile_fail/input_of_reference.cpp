// Items are values.
// expect: Input<T> hands out values

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
void consume(Input<int&> items);
#else
void consume(Input<int> items);
#endif

auto made = stage(consume);
