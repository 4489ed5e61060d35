// The last function of reduce takes two sums.
// expect: the last function of reduce merges two sums

#include <parallelpipe.hpp>

#include <string>
#include <vector>

using namespace parallelpipe;

const std::vector<std::string> words = {"a"};
const auto op = [](long sum, const std::string& word) { return sum + static_cast<long>(word.size()); };

#ifdef MISTAKE
auto made = words | reduce(0L, op, op);
#else
auto made = words | reduce(0L, op, [](long a, long b) { return a + b; });
#endif
