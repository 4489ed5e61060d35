// Items can be moved.
// expect: generator<T> needs a T that can be moved

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) = delete;
};

#ifdef MISTAKE
generator<Immovable> numbers();
#else
generator<std::unique_ptr<Immovable>> numbers();
#endif

auto made = numbers().begin();
