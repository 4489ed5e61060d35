// Items are values.
// expect: generator<T> yields values: T must not be a reference

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
generator<int&> numbers();
#else
generator<int> numbers();
#endif

auto made = numbers().begin();
