// A pipeline that ends in a sink is no range either.
// expect: loop over its results: for (auto& x : pipe.results())

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto doubled = numbers | for_each([](int) {});

#ifdef MISTAKE
void run() {
    for (int x : doubled) static_cast<void>(x);
}
#else
void run() { doubled.execute(); }
#endif
