// The elements of an lvalue range are copied.
// expect: the elements of the range that source takes cannot be copied; hand over the container itself

#include <parallelpipe.hpp>

#include <memory>
#include <utility>
#include <vector>

using namespace parallelpipe;

std::vector<std::unique_ptr<int>> pointers;

#ifdef MISTAKE
auto made = source({.qsize = 4}, pointers);
#else
auto made = source({.qsize = 4}, std::move(pointers));
#endif
