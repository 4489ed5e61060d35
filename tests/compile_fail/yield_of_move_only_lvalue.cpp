// co_yield of an lvalue copies it.
// expect: write co_yield std::move(x)

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

#ifdef MISTAKE
generator<std::unique_ptr<int>> numbers() {
    auto p = std::make_unique<int>(1);
    co_yield p;
}
#else
generator<std::unique_ptr<int>> numbers() {
    auto p = std::make_unique<int>(1);
    co_yield std::move(p);
}
#endif
