// Tests stage functions: first without threads, then with several workers and random delays.
// In a test program `check` would be a CHECK or an EXPECT_TRUE.

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <cstdint>
#include <iostream>
#include <string_view>
#include <vector>

using namespace parallelpipe;

void check(std::string_view what, bool is_so) {
    std::cout << what << ": " << (is_so ? "yes" : "NO") << '\n';
}

generator<int> add_n(Input<int> in, int n) {
    for (int x : in) co_yield x + n;
}

/// Yields the difference of each item to the preceding one. Wrong with several workers, because no
/// worker receives every item.
generator<int> differences(Input<int> in) {
    int before = 0;
    for (int x : in) {
        co_yield x - before;
        before = x;
    }
}

int main() {
    const std::vector<int> input = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

    // Calls the stage function in this thread.
    const std::vector<int> expected = testing::results_of(add_n, input, 7);
    check("add_n adds", expected.front() == 8 && expected.back() == 519);

    // Three workers with random delays and small queues yield the same results, in any order.
    const auto same_with_delays = [&](auto f, auto... arguments) {
        return [=](std::uint64_t seed) {
            return testing::sorted(
                       testing::run_with_delays({.seed = seed}, f, input, arguments...)) ==
                   testing::sorted(testing::results_of(f, input, arguments...));
        };
    };
    testing::repeat(20, same_with_delays(add_n, 7));  // throws if one of 20 seeds fails
    check("add_n does the same with several workers", true);

    try {
        testing::repeat(20, same_with_delays(differences));
        check("the error in differences is found", false);
    } catch (const testing::SeedFailure& failure) {
        // what() names the seed; the first failing seed may differ from run to run.
        check("the error in differences is found", failure.seed() != 0);
    }

    // A stage with settings, in a pipeline, with random delays.
    const auto ordered = Stage(add_n, 7).setup({.workers = 4, .ordered = true});
    check("ordered keeps the order",
          (input | testing::with_delays({.seed = 3}, ordered)).collect() == expected);
}
