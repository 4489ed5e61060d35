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
    busy,               // in the stage function, or in the body of the consumer's loop
    waiting_for_input,  // for an item
    waiting_for_room,   // for a free place behind the stage, or for the results before its own
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
    /// Items begun, of those from the stage before; a source has none. While the run goes on, a worker that takes many
    /// at a time may be as far ahead of this number as it came since the last look at the statistics.
    std::uint64_t items_in = 0;
    /// Results handed to the queue behind the stage.
    std::uint64_t items_out = 0;
    /// As in StageStatistics.
    std::size_t skipped = 0;
    std::size_t retried = 0;
    std::size_t failed = 0;
    /// In the stage function, and handing items over; including what the function itself waits for:
    /// a file, a lock, a sleep.
    std::chrono::nanoseconds busy{};
    /// For an item. A worker that begins a wait is waiting at once, not only when the wait ends.
    std::chrono::nanoseconds waiting_for_input{};
    /// For a free place behind the stage; in an ordered stage also for the results before its own.
    std::chrono::nanoseconds waiting_for_room{};
    /// Processor time of the worker's thread; 0 is unknown. Much less than `busy` means that the
    /// stage function waits, or that other threads have the cores.
    std::chrono::nanoseconds cpu{};
    /// Ready to run, while other threads had the cores; 0 is unknown. Tells these two apart.
    std::chrono::nanoseconds ready{};
    /// False before the worker's start and behind its end.
    bool is_running = false;
    /// What it does now.
    Activity activity = Activity::not_started;
    /// When it began to wait, since the start of the run; 0 if it does not wait.
    std::chrono::nanoseconds waiting_since{};
};

/// The queue behind a stage.
/// Units: items.
struct QueueStatistics {
    /// The most that may wait; 0 is unlimited.
    std::size_t capacity = 0;
    /// What waits now, at most `capacity`. Results that an ordered stage keeps back for earlier ones have their
    /// places here, but do not count yet.
    std::size_t fill = 0;
    /// The most that has waited at one time.
    std::size_t high_water = 0;
    /// What waited on average, when its readers came for more.
    double mean_fill = 0;
};

/// What happened in one stage so far: its settings, the sums over its workers, its queue.
struct StageStatistics {
    std::string name{};
    std::size_t workers = 0;
    // Only stages that call a function for each item (the per-item verbs) count these three;
    // elsewhere nobody knows which item failed, and they stay 0.
    /// Items that failed and were dropped or handed to a dead-letter handler.
    std::size_t skipped = 0;
    /// Attempts behind the first, of items that failed before.
    std::size_t retried = 0;
    /// Items whose last attempt threw, whatever became of them then.
    std::size_t failed = 0;

    /// The sums over `each`; what they mean stands at WorkerStatistics.
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
    /// Where its results wait; none behind a sink.
    std::optional<QueueStatistics> queue{};
};

/// What the thread has done that takes the results, in its loop or in `execute()`. All 0 where the pipeline
/// ends in a sink: there is no such thread.
/// Units: nanoseconds of wall clock, since the start of the run.
struct ConsumerStatistics {
    /// Results taken.
    std::uint64_t items = 0;
    /// For a result.
    std::chrono::nanoseconds waiting{};
    /// Between two results: in the body of the loop.
    std::chrono::nanoseconds busy{};
    /// As a worker's; 0 is unknown. Known while the thread that started the run takes the results;
    /// `ready` only when a Monitor watches.
    std::chrono::nanoseconds cpu{};
    std::chrono::nanoseconds ready{};
    /// What it does now; `ended` when the run is over; not_started where the pipeline ends in a sink.
    Activity activity = Activity::not_started;
    /// As a worker's.
    std::chrono::nanoseconds waiting_since{};
    /// The call that takes them, `execute()`, `collect()` or `for_each()`; empty: a loop of the caller's.
    std::string taken_by{};
};

/// One point of the time lines of a run.
struct Sample {
    /// Since the start of the run.
    std::chrono::nanoseconds at{};
    /// By stage: results so far; of a sink, which has none, items taken.
    std::vector<std::uint64_t> items_out{};
    /// By stage: what waited behind it, 0 behind a sink.
    std::vector<std::size_t> fill{};
};

/// A snapshot of a run: one entry a stage, in order, the range on the left included.
/// A snapshot of a pipeline that has not run has names, settings and the queues' capacities only.
struct Statistics {
    std::vector<StageStatistics> stages{};
    /// Since the start of the run, until now or until its end. 0 is: it has not begun.
    std::chrono::nanoseconds elapsed{};
    /// Every worker has ended, whichever way.
    bool has_ended = false;
    /// How many threads the machine lets this process run at a time; 0 is unknown.
    std::size_t cores = 0;
    ConsumerStatistics consumer{};
    /// In the order of time; empty unless the run was recorded.
    std::vector<Sample> samples{};
};

}  // namespace parallelpipe

#endif
