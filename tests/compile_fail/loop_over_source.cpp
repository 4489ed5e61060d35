// A source that runs alone is no range either.
// expect: loop over its results: for (auto& x : pipe.results())

#include <parallelpipe.hpp>

using namespace parallelpipe;

const auto numbers = Stage([]() -> generator<int> { co_yield 1; });

#ifdef MISTAKE
void print() {
    for (auto& x : numbers) static_cast<void>(x);
}
#else
void print() {
    for (auto& x : numbers.results()) static_cast<void>(x);
}
#endif
