// An array cannot be returned or moved.
// expect: for an array generator<std::array<E, n>>

#include <parallelpipe.hpp>

#include <array>

using namespace parallelpipe;

using Part = int[3];

#ifdef MISTAKE
generator<Part> parts();
auto made = parts();
#else
generator<std::array<int, 3>> parts();
auto made = stage(parts);
#endif
