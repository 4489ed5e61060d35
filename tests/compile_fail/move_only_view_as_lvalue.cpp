// A view that can only be moved is moved into the pipeline.
// expect: the range on the left of | is an lvalue that can only be moved; write std::move(range) | stage
#include <parallelpipe.hpp>

using namespace parallelpipe;

generator<int> numbers() { co_yield 1; }

int main() {
    auto range = numbers();
    auto twice = map_stage([](int x) { return 2 * x; });
#ifdef MISTAKE
    auto pipe = range | twice;
#else
    auto pipe = std::move(range) | twice;
#endif
    return pipe.execute() - 2;
}
