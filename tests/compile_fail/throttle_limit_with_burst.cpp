// A burst for a limit that is shared and has one.
// expect: a RateLimit has its own burst; write throttle(limit), and the burst where the limit is made

#include <parallelpipe.hpp>

#include <chrono>
#include <vector>

using namespace parallelpipe;

using namespace std::chrono_literals;

#ifdef MISTAKE
auto made = [] {
    RateLimit limit({100, 1s});
    return std::vector<int>{1} | throttle(limit, 10);
};
#else
auto made = [] {
    RateLimit limit({100, 1s}, 10);
    return std::vector<int>{1} | throttle(limit);
};
#endif
