// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_LOAD_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_LOAD_HPP

#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// How the workers of a stage spent the run: shares of (workers times elapsed), from 0 to 1. The shares add up to
/// less than 1 where workers ended before the run.
struct load {
    double busy = 0;
    double waiting_for_input = 0;
    double waiting_for_room = 0;
    double cpu = 0;
    double ready = 0;  // ready to run without a core, while busy or waiting
};

template <class...>
double share_of(std::chrono::nanoseconds part, std::chrono::nanoseconds elapsed,
                std::size_t workers = 1) {
    if (elapsed.count() <= 0 || part.count() <= 0) return 0;
    const double whole = static_cast<double>(elapsed.count()) *
                         static_cast<double>(std::max<std::size_t>(workers, 1));
    return std::min(static_cast<double>(part.count()) / whole, 1.0);
}

template <class...>
load load_of(const StageStatistics& stage, std::chrono::nanoseconds elapsed) {
    return {.busy = share_of(stage.busy, elapsed, stage.workers),
            .waiting_for_input = share_of(stage.waiting_for_input, elapsed, stage.workers),
            .waiting_for_room = share_of(stage.waiting_for_room, elapsed, stage.workers),
            .cpu = share_of(stage.cpu, elapsed, stage.workers),
            .ready = share_of(stage.ready, elapsed, stage.workers)};
}

template <class...>
load load_of(const ConsumerStatistics& consumer, std::chrono::nanoseconds elapsed) {
    return {.busy = share_of(consumer.busy, elapsed),
            .waiting_for_input = share_of(consumer.waiting, elapsed),
            .waiting_for_room = 0,
            .cpu = share_of(consumer.cpu, elapsed),
            .ready = share_of(consumer.ready, elapsed)};
}

/// How often a stage did its work: its items, or its results if these are more.
template <class...>
std::uint64_t handled(const StageStatistics& stage) {
    return std::max(stage.items_in, stage.items_out);
}

// The classic algorithms instead of std::ranges: every program that includes the library compiles this file, and
// std::ranges made that a tenth slower.

template <class All, class Is>
bool any_of(const All& all, Is is) {
    return std::any_of(all.begin(), all.end(), is);
}

/// The index of the worker of a stage that was busy for longest.
template <class...>
std::size_t busiest_worker(const StageStatistics& stage) {
    const auto is_less = [](const WorkerStatistics& a, const WorkerStatistics& b) { return a.busy < b.busy; };
    return static_cast<std::size_t>(
        std::max_element(stage.each.begin(), stage.each.end(), is_less) - stage.each.begin());
}

/// The processor time of the whole run; 0 is unknown.
template <class...>
std::chrono::nanoseconds cpu_of(const Statistics& stats) {
    std::chrono::nanoseconds sum = stats.consumer.cpu;
    for (const StageStatistics& stage : stats.stages) sum += stage.cpu;
    return sum;
}

/// Whether the run has results: the last stage has a queue, unless it is a sink.
template <class...>
bool has_results(const Statistics& stats) {
    return !stats.stages.empty() && stats.stages.back().queue.has_value();
}

}  // namespace parallelpipe::detail

#endif
