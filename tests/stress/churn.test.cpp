#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

// Many short runs: no item, thread or memory accumulates.
namespace stress_churn_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

constexpr int runs = support::sanitized ? 300 : 1000;

auto counted_pipe(Tally& tally) {
    auto step = stage({.workers = 2, .qsize = 2}, [](Input<Counted> items) -> generator<Counted> {
        for (Counted& c : items) co_yield std::move(c);
    });
    return stage([&tally]() -> generator<Counted> {
               for (int i = 0; i < 10; ++i) co_yield Counted(tally, i);
           }) |
           step | step;
}

}  // namespace

TEST_CASE("a thousand runs over ten items, one after another, leak nothing", "[stress]") {
    Tally tally;
    const std::size_t threads = support::threads_at_rest();
    const auto pipe = counted_pipe(tally);
    int wrong = 0;
    for (int run = 0; run < runs; ++run) {
        int sum = 0;
        for (Counted& c : pipe.results()) sum += c.value;
        if (sum != 45 || tally.alive != 0) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(support::comes_true([&] { return support::thread_count() <= threads; }));
}

TEST_CASE("a thousand runs that are left after k items leak nothing", "[stress]") {
    Tally tally;
    const auto pipe = counted_pipe(tally);
    int wrong = 0;
    for (int run = 0; run < runs; ++run) {
        int left = run % 11;
        {
            auto results = pipe.results();
            if (left != 0)
                for ([[maybe_unused]] Counted& c : results)
                    if (--left == 0) break;
        }
        if (left != 0 || tally.alive != 0) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("many runs of one pipeline from four threads at once leak nothing", "[stress]") {
    Tally tally;
    const auto pipe = counted_pipe(tally);
    std::vector<int> wrong(4);
    {
        std::vector<std::jthread> threads;
        for (int& mine : wrong)
            threads.emplace_back([&pipe, &mine] {
                for (int run = 0; run < runs / 10; ++run) {
                    int sum = 0;
                    for (Counted& c : pipe.results()) sum += c.value;
                    if (sum != 45) ++mine;
                }
            });
    }
    CHECK(wrong == std::vector<int>(4));
    CHECK(tally.alive == 0);
}

}  // namespace stress_churn_tests
