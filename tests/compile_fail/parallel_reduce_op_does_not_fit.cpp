// The op of a parallel reduce takes the sum and an item, too.
// expect: the op of reduce is called as sum = op(sum, item)

#include <parallelpipe.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace parallelpipe;

const std::vector<std::string> words = {"a"};

#ifdef MISTAKE
auto made = words | reduce(0, std::plus<>(), std::plus<>());
#else
auto made = words | reduce(std::string(), std::plus<>(), std::plus<>());
#endif
