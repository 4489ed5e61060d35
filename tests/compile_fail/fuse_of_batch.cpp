// A ready-made stage that is the first one in fuse needs its item types.
// expect: name its types: Stage<int, std::vector<int>>(batch(10))

#include <parallelpipe.hpp>

#include <chrono>
#include <vector>

using namespace parallelpipe;

using namespace std::chrono_literals;
auto sum = map_stage([](const std::vector<int>& part) { return part.size(); });

#ifdef MISTAKE
auto made = fuse({.workers = 2}, batch(10, 1s) | sum);
#else
auto made = fuse({.workers = 2}, Stage<int, std::vector<int>>(batch(10, 1s)) | sum);
#endif
