// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_SNAPSHOT_HPP
#define PARALLELPIPE_DETAIL_RUN_SNAPSHOT_HPP

// Makes the statistics that users read from the counters of a run's workers and queues. All functions are templates,
// so that programs that read no statistics do not compile them.

#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/run/consumer_counters.hpp>
#include <parallelpipe/detail/run/observed_run.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/item_counters.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// A sum of waits, with the one that still goes on.
template <class...>
std::chrono::nanoseconds waited(const sync::atomic<std::int64_t>& sum,
                                const sync::atomic<std::int64_t>& since, std::int64_t until) noexcept {
    const std::int64_t begin = since.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(sum.load(std::memory_order_relaxed) +
                                    (begin == 0 ? 0 : std::max<std::int64_t>(until - begin, 0)));
}

/// What a worker does now, and since when it waits.
template <class To>
void note_activity(To& to, const worker_counters& of, std::int64_t run_began) {
    const auto waits = [&](Activity what, const sync::atomic<std::int64_t>& since) {
        const std::int64_t begin = since.load(std::memory_order_relaxed);
        if (begin == 0) return;
        to.activity = what;
        to.waiting_since = std::chrono::nanoseconds(begin - run_began);
    };
    to.activity = Activity::busy;
    // A timed batch may wait for both. Then it waits for room, as more input would not help.
    waits(Activity::waiting_for_input, of.input_since);
    waits(Activity::waiting_for_room, of.room_since);
}

/// How many items were begun. Items that a reader of `from` has only taken ahead do not count. `from` is null where
/// there is no queue.
template <class...>
std::uint64_t begun(const worker_counters& of, const channel_base* from) {
    // A sibling that takes items over may have subtracted them before the reader has counted them.
    const auto taken = static_cast<std::int64_t>(of.in.load(std::memory_order_relaxed));
    const auto ahead = static_cast<std::int64_t>(from ? from->ahead_of(of) : 0);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(taken - ahead, 0));
}

/// How many results the worker has handed on.
template <class...>
std::uint64_t handed_on(const worker_counters& of) {
    const lane* const own = of.pushes_to.load(std::memory_order_acquire);
    return of.out.load(std::memory_order_relaxed) + (own ? producer_lanes::pushed(*own) : 0);
}

/// `from` is the queue that the worker reads, or null. `anew`: asks the system for the processor time of a worker
/// that runs.
template <class...>
WorkerStatistics worker_statistics(worker_counters& of, const channel_base* from, std::int64_t run_began,
                                   std::int64_t now, bool anew) {
    using std::chrono::nanoseconds;
    const std::int64_t began = of.began.load(std::memory_order_relaxed);
    core_time spent;
    if (began != 0 && of.ended.load(std::memory_order_relaxed) == 0) spent = spent_so_far(of, anew);
    const std::int64_t ended = of.ended.load(std::memory_order_acquire);
    const std::int64_t until = ended != 0 ? ended : now;
    if (ended != 0)
        spent = {of.cpu.load(std::memory_order_relaxed), of.ready.load(std::memory_order_relaxed)};
    WorkerStatistics one;
    one.items_in = begun(of, from);
    one.items_out = handed_on(of);
    one.waiting_for_input = waited(of.waited_for_input, of.input_since, until);
    one.waiting_for_room = waited(of.waited_for_room, of.room_since, until);
    if (began != 0)
        one.busy = std::max(nanoseconds(until - began) - one.waiting_for_input - one.waiting_for_room,
                            nanoseconds(0));
    one.cpu = nanoseconds(spent.cpu);
    one.ready = nanoseconds(spent.ready);
    one.is_running = began != 0 && ended == 0;
    if (one.is_running)
        note_activity(one, of, run_began);
    else if (ended != 0)
        one.activity = Activity::ended;
    return one;
}

template <class...>
ConsumerStatistics consumer_statistics(const consumer_counters& of, const channel_base* from,
                                       std::int64_t until, bool is_over, bool anew) {
    using std::chrono::nanoseconds;
    ConsumerStatistics one;
    one.items = begun(of.counters(), from);
    one.waiting = waited(of.counters().waited_for_input, of.counters().input_since, until);
    one.busy = std::max(nanoseconds(until - of.began()) - one.waiting, nanoseconds(0));
    one.taken_by = of.taken_by;
    const core_time spent = of.spent(is_over, anew);
    one.cpu = nanoseconds(spent.cpu);
    one.ready = nanoseconds(spent.ready);
    note_activity(one, of.counters(), of.began());
    if (is_over) one.activity = Activity::ended;
    return one;
}

template <class...>
QueueStatistics queue_statistics(const channel_base& of) {
    return {.capacity = of.capacity(),
            .fill = of.fill(),
            .high_water = of.high_water(),
            .mean_fill = of.mean_fill()};
}

template <class...>
Statistics observed_run::stats() const {
    const std::int64_t now = worker_counters::now();
    const bool is_over = consumer_.has_ended();
    const bool anew = consumer_.may_ask(now);
    const std::size_t stages = stage_count();
    Statistics all;
    all.cores = sync::thread::hardware_concurrency();
    all.has_ended = true;
    std::int64_t end = consumer_.began();
    for (std::size_t i = 0; i < stages; ++i) {
        const observed_stage& stage = observed(i);
        StageStatistics one = statistics_of(stage.name, stage.workers, stage.counters);
        one.is_range = stage.is_range;
        one.is_ordered = stage.is_ordered;
        one.is_keyed = stage.is_keyed;
        for (std::size_t worker = 0; worker < stage.workers; ++worker) {
            worker_counters& of = stage.of_workers[worker];
            one.each.push_back(worker_statistics(of, input_of(i), consumer_.began(), now, anew));
            const std::int64_t ended = of.ended.load(std::memory_order_relaxed);
            all.has_ended &= ended != 0;
            end = std::max(end, ended);
        }
        sum_up(one);
        if (stage.out) one.queue = queue_statistics(*stage.out);
        if (stage.out && anew) stage.out->ask_readers();  // so that the next call finds how far they are now
        all.stages.push_back(std::move(one));
    }
    all.has_ended |= is_over;  // some workers may never have begun
    const std::int64_t until = all.has_ended ? end : now;
    all.elapsed = std::chrono::nanoseconds(until - consumer_.began());
    if (const channel_base* const results = input_of(stages))
        all.consumer = consumer_statistics(consumer_, results, until, is_over, anew);
    return all;
}

template <class...>
bool observed_run::has_moved(std::uint64_t& mark) const {
    // A hash of all numbers. A sum would miss an item that a sibling has taken over.
    std::uint64_t seen = 0;
    const auto add = [&seen](std::uint64_t number) {
        seen = (seen ^ number) * 0x9e3779b97f4a7c15U;
        seen ^= seen >> 32U;
    };
    for (std::size_t i = 0; i < stage_count(); ++i) {
        const observed_stage& stage = observed(i);
        for (std::size_t worker = 0; worker < stage.workers; ++worker) {
            const worker_counters& of = stage.of_workers[worker];
            add(of.in.load(std::memory_order_relaxed));
            add(handed_on(of));
            add(of.began.load(std::memory_order_relaxed) != 0);
            add(of.ended.load(std::memory_order_relaxed) != 0);
        }
        add(stage.counters.retried.load(std::memory_order_relaxed));
        add(stage.counters.failed.load(std::memory_order_relaxed));
        if (stage.out) add(stage.out->ask_readers());  // each reader that progresses then adds a visit
    }
    add(consumer_.counters().in.load(std::memory_order_relaxed));
    return std::exchange(mark, seen) != seen;
}

}  // namespace parallelpipe::detail

#endif
