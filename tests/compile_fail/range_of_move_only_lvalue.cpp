// The elements of an lvalue range are copied.
// expect: the elements of this range cannot be copied into the pipeline; hand over the container itself

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

std::vector<std::unique_ptr<int>> pointers;
auto value = map_stage([](std::unique_ptr<int> p) { return *p; });

#ifdef MISTAKE
auto made = pointers | value;
#else
auto made = std::move(pointers) | value;
#endif
