// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_ITEM_COUNTERS_HPP
#define PARALLELPIPE_DETAIL_WORKER_ITEM_COUNTERS_HPP

// The counters of items that failed in a stage, and the sums of its statistics.

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstddef>
#include <string>

namespace parallelpipe::inline v0::detail {

/// Makes the sums of a stage from its workers, except the three that count failures.
inline void sum_up(StageStatistics& stage) {
    stage.items_in = stage.items_out = 0;
    stage.busy = stage.waiting_for_input = stage.waiting_for_room = stage.cpu = stage.ready = {};
    for (const WorkerStatistics& worker : stage.each) {
        stage.items_in += worker.items_in;
        stage.items_out += worker.items_out;
        stage.busy += worker.busy;
        stage.waiting_for_input += worker.waiting_for_input;
        stage.waiting_for_room += worker.waiting_for_room;
        stage.cpu += worker.cpu;
        stage.ready += worker.ready;
    }
}

/// Counts of failures: written by the workers of one stage, read by any thread at any time. Relaxed: the numbers
/// order nothing.
struct item_counters {
    sync::atomic<std::size_t> skipped{0};
    sync::atomic<std::size_t> retried{0};
    sync::atomic<std::size_t> failed{0};
};

inline StageStatistics statistics_of(const std::string& name, std::size_t workers,
                                     const item_counters& counters) {
    return {.name = name,
            .workers = workers,
            .skipped = counters.skipped.load(std::memory_order_relaxed),
            .retried = counters.retried.load(std::memory_order_relaxed),
            .failed = counters.failed.load(std::memory_order_relaxed)};
}

}  // namespace parallelpipe::detail

#endif
