// The function of for_each takes something else than the results.
// expect: for_each(f) calls f with each result, and this f does not take it

#include <parallelpipe.hpp>

#include <string>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto twice = numbers | map_stage([](int x) { return 2 * x; });

void made() {
#ifdef MISTAKE
    twice.for_each([](const std::string&) {});
#else
    twice.for_each([](int) {});
#endif
}
