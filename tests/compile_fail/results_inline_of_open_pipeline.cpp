// A pipeline runs only with a source, inline too.
// expect: this pipeline is open at the front: no source feeds it; write (range | pipeline).results()

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto twice = map_stage([](int x) { return 2 * x; });
auto chain = twice | twice;

void run() {
#ifdef MISTAKE
    auto results = chain.results(inline_run);
#else
    auto results = (std::vector{1, 2, 3} | chain).results(inline_run);
#endif
}
