// Every worker gets a copy of the arguments.
// expect: one of these cannot be copied; capture or pass a std::shared_ptr

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

generator<int> add(Input<int> items, const std::unique_ptr<int>& n);
auto number = std::make_unique<int>(1);

#ifdef MISTAKE
Stage made(add, std::move(number));
#else
Stage made(add, std::cref(number));
#endif
