// How to test stage functions: without threads first, then with threads that arrive in every order.
// What stands in `check` here is a CHECK or an EXPECT_TRUE in a test program.

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

/// What has grown since the item before. Wrong with several workers: none of them sees every item.
generator<int> differences(Input<int> in) {
    int before = 0;
    for (int x : in) {
        co_yield x - before;
        before = x;
    }
}

int main() {
    const std::vector<int> input = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

    // A stage function is a function: this calls it, in this thread.
    const std::vector<int> expected = testing::results_of(add_n, input, 7);
    check("add_n adds", expected.front() == 8 && expected.back() == 519);

    // Three workers that dawdle, and small queues: the same results, in whatever order.
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
        check("differences was found out", false);
    } catch (const testing::SeedFailure& failure) {
        // what() names the seed; here it would not be the same in each run.
        check("differences was found out", failure.seed() != 0);
    }

    // A stage with its settings, in a pipeline, with delays inside.
    const auto ordered = Stage(add_n, 7).setup({.workers = 4, .ordered = true});
    check("ordered keeps the order",
          (input | testing::with_delays({.seed = 3}, ordered)).collect() == expected);
}
