// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STATISTICS_HPP
#define PARALLELPIPE_STATISTICS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace parallelpipe::inline v0 {

/// What a worker, or the consumer, does at one moment.
enum class Activity {
    not_started,        // its thread does not run yet
    busy,               // in the stage function; the consumer: in its loop, between two results
    waiting_for_input,  // for an item
    waiting_for_room,   // for a free slot of its output queue, or for the results before its own
    ended,
};

/// The name, as it stands in the enumeration.
constexpr const char* to_string(Activity activity) noexcept {
    switch (activity) {
        case Activity::not_started:
            return "not_started";
        case Activity::busy:
            return "busy";
        case Activity::waiting_for_input:
            return "waiting_for_input";
        case Activity::waiting_for_room:
            return "waiting_for_room";
        case Activity::ended:
            return "ended";
    }
    return "";
}

/// What one worker of a stage has done so far.
/// Units: nanoseconds of wall clock; `cpu` of processor time. `busy` and the two waits together are
///   the worker's life so far: what it does not wait for, it is busy with.
struct WorkerStatistics {
    /// Items that the worker has begun; a source has none. While the run goes on, a worker that takes many items at a
    /// time may have begun more since the statistics were last asked for.
    std::uint64_t items_in = 0;
    /// Results handed to the output queue.
    std::uint64_t items_out = 0;
    /// As in StageStatistics.
    std::size_t skipped = 0;
    std::size_t retried = 0;
    std::size_t failed = 0;
    /// In the stage function, and handing items over; the time that the function itself waits is included: for
    /// a file, for a lock, in a sleep.
    std::chrono::nanoseconds busy{};
    /// For an item. A wait counts from its beginning, also while it lasts.
    std::chrono::nanoseconds waiting_for_input{};
    /// For a free slot of the output queue; in an ordered stage also for the results before its own.
    std::chrono::nanoseconds waiting_for_room{};
    /// Processor time of the worker's thread; 0 is unknown. Much less than `busy` means that the stage function waits,
    /// or that other threads had the cores; `ready` tells which.
    std::chrono::nanoseconds cpu{};
    /// Time in which the thread could run and other threads had the cores; 0 is unknown.
    std::chrono::nanoseconds ready{};
    /// False before the worker's start and after its end.
    bool is_running = false;
    /// What the worker does now.
    Activity activity = Activity::not_started;
    /// When the worker began to wait, since the start of the run; 0 if it does not wait.
    std::chrono::nanoseconds waiting_since{};
};

/// The output queue of a stage.
/// Units: items.
struct QueueStatistics {
    /// How many may wait at most; 0 is unlimited.
    std::size_t capacity = 0;
    /// How many wait now, at most `capacity`. Results that an ordered stage keeps back for earlier ones take slots, but
    /// do not count yet.
    std::size_t fill = 0;
    /// How many have waited at most at one time.
    std::size_t high_water = 0;
    /// How many waited on average when a reader came for more.
    double mean_fill = 0;
};

/// What one stage has done so far: its settings, the sums over its workers, its queue.
struct StageStatistics {
    std::string name{};
    std::size_t workers = 0;
    // Only an ItemStage counts these three: any other stage function does not say which item failed, and they stay 0.
    /// Items that failed and were dropped or handed to a dead-letter handler.
    std::size_t skipped = 0;
    /// Attempts after the first, of items that failed before.
    std::size_t retried = 0;
    /// Items whose last attempt threw, also those that were then dropped or handed to a handler.
    std::size_t failed = 0;

    /// The sums over `each`; see WorkerStatistics.
    std::uint64_t items_in = 0;
    std::uint64_t items_out = 0;
    std::chrono::nanoseconds busy{};
    std::chrono::nanoseconds waiting_for_input{};
    std::chrono::nanoseconds waiting_for_room{};
    std::chrono::nanoseconds cpu{};
    std::chrono::nanoseconds ready{};

    /// A range on the left of the pipeline, which one worker reads.
    bool is_range = false;
    /// Results leave in the order of the input.
    bool is_ordered = false;
    /// Items go to the worker of their key.
    bool is_keyed = false;

    /// By worker index. Empty when nothing ran, or nothing was counted.
    std::vector<WorkerStatistics> each{};
    /// Where its results wait; empty for a sink.
    std::optional<QueueStatistics> queue{};
};

/// What the consumer has done: the thread that takes the results, in its loop or in `execute()`. All 0 where the
/// pipeline ends in a sink: then there is no consumer.
/// Units: nanoseconds of wall clock, since the start of the run.
struct ConsumerStatistics {
    /// Results taken.
    std::uint64_t items = 0;
    /// For a result.
    std::chrono::nanoseconds waiting{};
    /// Between two results, in the loop.
    std::chrono::nanoseconds busy{};
    /// As a worker's; 0 is unknown. Known while the thread that started the run takes the results;
    /// `ready` only when a Monitor watches.
    std::chrono::nanoseconds cpu{};
    std::chrono::nanoseconds ready{};
    /// What the consumer does now; `ended` when the run is over; not_started where the pipeline ends in a sink.
    Activity activity = Activity::not_started;
    /// As a worker's.
    std::chrono::nanoseconds waiting_since{};
    /// The call that takes the results, `execute()`, `collect()` or `for_each()`; empty for a loop of the caller's.
    std::string taken_by{};
};

/// One point of the time lines of a run.
struct Sample {
    /// Since the start of the run.
    std::chrono::nanoseconds at{};
    /// By stage: results so far; of a sink, which has none, items taken.
    std::vector<std::uint64_t> items_out{};
    /// By stage: how many results waited in its queue; 0 for a sink.
    std::vector<std::size_t> fill{};
};

/// A snapshot of a run: one entry a stage, in order, the range on the left included. Before the run there are only
/// names, settings and the capacities of the queues.
struct Statistics {
    std::vector<StageStatistics> stages{};
    /// From the start of the run until now, or until its end; 0 before its start.
    std::chrono::nanoseconds elapsed{};
    /// Whether every worker has ended.
    bool has_ended = false;
    /// How many threads the machine lets this process run at a time; 0 is unknown.
    std::size_t cores = 0;
    ConsumerStatistics consumer{};
    /// In order of time; empty unless a Monitor recorded the run.
    std::vector<Sample> samples{};
};

}  // namespace parallelpipe

#endif
