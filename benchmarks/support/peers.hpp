#ifndef PARALLELPIPE_BENCHMARKS_PEERS_HPP
#define PARALLELPIPE_BENCHMARKS_PEERS_HPP

#include "job.hpp"
#include "peers/by_hand.hpp"
#include "session.hpp"
#include "table.hpp"
#ifdef BENCH_WITH_ONETBB
#include "peers/onetbb.hpp"
#endif
#ifdef BENCH_WITH_TASKFLOW
#include "peers/taskflow.hpp"
#endif
#ifdef BENCH_WITH_FASTFLOW
#include "peers/fastflow.hpp"
#endif

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using Settings = std::vector<std::size_t>;

/// The settings tried for each peer; the fastest takes part.
struct Tuning {
    Settings depths = {64, 256, 1024};
    Settings chunks = {8, 32, 128, 256, 512};
    Settings tokens = {4, 8, 16, 64, 256};
    Settings lines = {4, 8, 16, 64, 256};
    Settings queues = {0, 8, 512, 2048};  // 0 is unbounded
};

/// Adds every peer that was found at build time, each with the setting that is fastest on a tenth of
/// the work. `make(part)` makes a job with that part of the items. The figures are divided by `units`.
template <std::size_t Stages, class Make>
void add_peers(const Session& session, Table& table, std::size_t workers, bool ordered, double units,
               Make make, const Tuning& tuning = {}) {
    if (!session.wants(table.title)) return;
    const Shape shape{Stages, workers, ordered};
    const auto add = [&](Role role, const std::string& name, const Settings& settings,
                         const std::string& unit, auto run) {
        if (name.find(session.options().only) == std::string::npos) return;
        const std::size_t setting =
            settings.size() == 1 ? settings.front()
                                 : fastest(settings, [&](std::size_t s) { run(make(0.1), s); });
        const std::string with = setting ? std::to_string(setting) + ' ' + unit : "unbounded";
        table.contenders.push_back({role, name + ", " + with,
                                    timed(units, [=] { return run(make(1.0), setting); })});
    };
#ifdef BENCH_WITH_ONETBB
    add(Role::peer, "oneTBB", tuning.tokens, "tokens",
        [=](auto job, std::size_t tokens) { return by_onetbb(std::move(job), shape, tokens); });
#endif
#ifdef BENCH_WITH_TASKFLOW
    add(Role::peer, "Taskflow", tuning.lines, "lines", [=](auto job, std::size_t lines) {
        return by_taskflow<Stages>(std::move(job), shape, lines);
    });
#endif
#ifdef BENCH_WITH_FASTFLOW
    add(Role::peer, "FastFlow", tuning.queues, "deep", [=](auto job, std::size_t depth) {
        return by_fastflow(std::move(job), shape, depth);
    });
#endif
    add(Role::peer, "threads, deque + condvar", tuning.depths, "deep",
        [=](auto job, std::size_t depth) { return by_threads(std::move(job), shape, depth); });
    add(Role::holds_back, "threads, chunks", tuning.chunks, "a chunk",
        [=](auto job, std::size_t size) { return by_chunks(std::move(job), shape, size); });
}

}  // namespace bench

#endif
