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

auto add = stage([](Input<int> items, const std::unique_ptr<int>& n) -> generator<int> {
    for (int x : items) co_yield x + *n;
});
auto number = std::make_unique<int>(1);

#ifdef MISTAKE
auto made = add(std::move(number));
#else
auto made = add(std::cref(number));
#endif
