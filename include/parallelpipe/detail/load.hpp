#ifndef PARALLELPIPE_DETAIL_LOAD_HPP
#define PARALLELPIPE_DETAIL_LOAD_HPP

#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace parallelpipe::detail {

/// What part of the run the workers of a stage spent with what: shares of workers times elapsed,
/// from 0 to 1. They do not add up to 1 when workers ended before the run.
struct load {
    double busy = 0;
    double waiting_for_input = 0;
    double waiting_for_room = 0;
    double cpu = 0;
    double wanted = 0;  // on a core, or busy and waiting for one
};

inline double share_of(std::chrono::nanoseconds part, std::chrono::nanoseconds elapsed,
                       std::size_t workers = 1) {
    if (elapsed.count() <= 0 || part.count() <= 0) return 0;
    const double whole = static_cast<double>(elapsed.count()) *
                         static_cast<double>(std::max<std::size_t>(workers, 1));
    return std::min(static_cast<double>(part.count()) / whole, 1.0);
}

/// Time on a core, and time busy but kept from one by other threads; 0 is unknown. A worker that
/// waits for items offers its core before it sleeps, and is `ready` then too: as much as it can
/// have been that is left out.
inline std::chrono::nanoseconds wanted(const StageStatistics& stage) {
    const auto waiting = stage.waiting_for_input + stage.waiting_for_room;
    return stage.cpu + std::max(stage.ready - waiting, std::chrono::nanoseconds());
}
inline std::chrono::nanoseconds wanted(const ConsumerStatistics& consumer) {
    return consumer.cpu + std::max(consumer.ready - consumer.waiting, std::chrono::nanoseconds());
}

inline load load_of(const StageStatistics& stage, std::chrono::nanoseconds elapsed) {
    return {.busy = share_of(stage.busy, elapsed, stage.workers),
            .waiting_for_input = share_of(stage.waiting_for_input, elapsed, stage.workers),
            .waiting_for_room = share_of(stage.waiting_for_room, elapsed, stage.workers),
            .cpu = share_of(stage.cpu, elapsed, stage.workers),
            .wanted = share_of(wanted(stage), elapsed, stage.workers)};
}

inline load load_of(const ConsumerStatistics& consumer, std::chrono::nanoseconds elapsed) {
    return {.busy = share_of(consumer.busy, elapsed),
            .waiting_for_input = share_of(consumer.waiting, elapsed),
            .waiting_for_room = 0,
            .cpu = share_of(consumer.cpu, elapsed),
            .wanted = share_of(wanted(consumer), elapsed)};
}

/// How often the work of a stage was done: its items, or its results where these are more.
inline std::uint64_t handled(const StageStatistics& stage) {
    return std::max(stage.items_in, stage.items_out);
}

/// Processor time of the whole run; 0 is unknown.
inline std::chrono::nanoseconds cpu_of(const Statistics& stats) {
    std::chrono::nanoseconds sum = stats.consumer.cpu;
    for (const StageStatistics& stage : stats.stages) sum += stage.cpu;
    return sum;
}

/// The same of what all threads wanted.
inline std::chrono::nanoseconds wanted(const Statistics& stats) {
    std::chrono::nanoseconds sum = wanted(stats.consumer);
    for (const StageStatistics& stage : stats.stages) sum += wanted(stage);
    return sum;
}

/// Whether anything reaches a consumer: a sink at the end has no queue behind it.
inline bool has_results(const Statistics& stats) {
    return !stats.stages.empty() && stats.stages.back().queue.has_value();
}

}  // namespace parallelpipe::detail

#endif
