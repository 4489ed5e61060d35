// The items are in the results, not in the pipeline.
// expect: loop over its results: for (auto& x : pipe.results())

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto doubled = numbers | map_stage([](int x) { return 2 * x; });

#ifdef MISTAKE
void print() {
    for (int x : doubled) static_cast<void>(x);
}
#else
void print() {
    for (int x : doubled.results()) static_cast<void>(x);
}
#endif
