// Tests that two translation units can include all headers: the program links, because every function
// is inline, and both units share the thread_local variables.

#include "two_units.hpp"

#include <cstdio>
#include <vector>

using namespace parallelpipe;

int main() {
    auto agree = stage({.workers = 2}, [](Input<int> in) -> generator<int> {
        if (index_seen_by_the_other_unit() != this_worker::index()) co_yield -1000;
        for (int number : in) co_yield number;
    });
    long sum = 0;
    for (int number : (std::vector{1, 2, 3} | doubled() | agree()).results()) sum += number;
    std::printf("%ld\n", sum);
    return sum == 12 ? 0 : 1;
}
