// How much work must an item take so that a stage with 2 workers beats the plain loop? The benchmark
// doubles the work per item until the stage wins, and prints the interpolated point of equal times.

#include <parallelpipe.hpp>

#include "support/farm_job.hpp"
#include "support/numbers.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"
#include "support/work.hpp"

#include <algorithm>
#include <cmath>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;
using Job = bench::FarmJob<bench::Work>;

/// A job of as many items as take about 4 ms in a loop.
Job job_of(double nanoseconds) {
    const double items = std::clamp(4e6 / nanoseconds, 1'000.0, 200'000.0);
    return {static_cast<std::size_t>(items), bench::Work(nanoseconds)};
}

template <class Run>
double seconds(Run run) {
    double least = 1e9;
    for (int i = 0; i < 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        run();
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
        least = std::min(least, spent.count());
    }
    return least;
}

/// Nanoseconds of work per item at which `run` takes as long as the loop.
std::function<bench::Figures()> crossover(std::function<unsigned long long(const Job&)> run) {
    return [run] {
        double before = 0;
        double excess_before = 0;
        for (double work = 12.5; work < 20'000; work *= 2) {
            const Job job = job_of(work);
            const double loop = seconds([&] { return bench::by_loop(job, 1); });
            const double excess = std::log(seconds([&] { return run(job); }) / loop);
            if (excess <= 0) {
                const double share =
                    before > 0 ? excess_before / (excess_before - excess) : 1;  // on a log scale
                return bench::Figures{0, {before > 0 ? before * std::exp2(share) : work}};
            }
            before = work;
            excess_before = excess;
        }
        return bench::Figures{0, {20'000}};
    };
}

std::function<unsigned long long(const Job&)> by_stage(bool ordered) {
    return [ordered](const Job& job) {
        const auto pipeline = bench::counting({}, job.items) |
                              map_stage({.workers = 2, .ordered = ordered},
                                        [work = job.calculation](Number x) {
                                            work(x);
                                            return x;
                                        });
        return bench::sum_of(pipeline)();
    };
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("crossover", argc, argv);
    bench::Table table{"crossover: work an item at which 2 workers beat the loop", {"ns of work"}};
    const bench::Shape shape{.stages = 1, .workers = 2};
    using enum bench::Role;
    table.contenders = {{ours, "map_stage", crossover(by_stage(false))},
                        {ours, "map_stage, ordered", crossover(by_stage(true))}};
    const auto add = [&](bench::Role role, const char* name, auto run) {
        table.contenders.push_back({role, name, crossover(run)});
    };
#ifdef BENCH_WITH_ONETBB
    add(peer, "oneTBB, 64 tokens",
        [=](const Job& job) { return bench::by_onetbb(job, shape, 64); });
#endif
#ifdef BENCH_WITH_TASKFLOW
    add(peer, "Taskflow, 16 lines",
        [=](const Job& job) { return bench::by_taskflow<1>(job, shape, 16); });
#endif
#ifdef BENCH_WITH_FASTFLOW
    add(peer, "FastFlow, 2048 deep",
        [=](const Job& job) { return bench::by_fastflow(job, shape, 2048); });
#endif
    add(peer, "threads, deque + condvar",
        [=](const Job& job) { return bench::by_threads(job, shape, 1024); });
    add(holds_back, "threads, chunks of 256",
        [=](const Job& job) { return bench::by_chunks(job, shape, 256); });
    session.measure(table);
    return session.finish();
}
