// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_SNAPSHOT_HPP
#define PARALLELPIPE_DETAIL_RUN_SNAPSHOT_HPP

// What meters and channels say, as users read it.

#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// A sum of waits, with the one of this moment.
template <class...>
std::chrono::nanoseconds waited(const sync::atomic<std::int64_t>& sum,
                                const sync::atomic<std::int64_t>& since, std::int64_t until) noexcept {
    const std::int64_t begin = since.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(sum.load(std::memory_order_relaxed) +
                                    (begin == 0 ? 0 : std::max<std::int64_t>(until - begin, 0)));
}

/// What a worker does now, and since when it waits.
template <class Who>
void note_activity(Who& to, const worker_counters& of, std::int64_t run_began) {
    const auto waits = [&](Activity what, const sync::atomic<std::int64_t>& since) {
        const std::int64_t begin = since.load(std::memory_order_relaxed);
        if (begin == 0) return;
        to.activity = what;
        to.waiting_since = std::chrono::nanoseconds(begin - run_began);
    };
    to.activity = Activity::busy;
    // A timed batch may wait for both: then for room, as it does nothing with more input.
    waits(Activity::waiting_for_input, of.input_since);
    waits(Activity::waiting_for_room, of.room_since);
}

/// What a thread has spent so far: asked anew, or as it was found last.
template <class...>
core_time spent_so_far(worker_counters& of, bool anew) {
    const std::int64_t thread = of.thread.load(std::memory_order_relaxed);
    if (anew && thread != 0) {
        const core_time now = core_time_of(thread);
        // Behind that look: the number of a thread that has ended may be another one's.
        if (of.ended.load(std::memory_order_acquire) == 0) {
            of.cpu_before.store(now.cpu, std::memory_order_relaxed);
            of.ready_before.store(now.ready, std::memory_order_relaxed);
        }
    }
    return {of.cpu_before.load(std::memory_order_relaxed),
            of.ready_before.load(std::memory_order_relaxed)};
}

/// How many items were begun: those that a reader of `from` has only taken ahead still wait. `from` is null where
/// there is no queue.
template <class...>
std::uint64_t begun(const worker_counters& of, const channel_slots* from) {
    // A sibling may have subtracted items that it took over before the reader has counted them.
    const auto taken = static_cast<std::int64_t>(of.in.load(std::memory_order_relaxed));
    const auto ahead = static_cast<std::int64_t>(from ? from->ahead_of(of) : 0);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(taken - ahead, 0));
}

/// `from` is the queue that the worker reads, or null. `anew`: asks the machine for the processor time of one that
/// runs.
template <class...>
WorkerStatistics worker_statistics(worker_counters& of, const channel_slots* from, std::int64_t run_began,
                                   std::int64_t now, bool anew) {
    using std::chrono::nanoseconds;
    const std::int64_t began = of.began.load(std::memory_order_relaxed);
    core_time spent;
    if (began != 0 && of.ended.load(std::memory_order_relaxed) == 0) spent = spent_so_far(of, anew);
    const std::int64_t ended = of.ended.load(std::memory_order_acquire);
    const std::int64_t until = ended != 0 ? ended : now;
    if (ended != 0)
        spent = {of.cpu.load(std::memory_order_relaxed), of.ready.load(std::memory_order_relaxed)};
    const lane* const own = of.pushes_to.load(std::memory_order_acquire);
    WorkerStatistics one;
    one.items_in = begun(of, from);
    one.items_out = of.out.load(std::memory_order_relaxed) + (own ? producer_lanes::pushed(*own) : 0);
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
ConsumerStatistics consumer_statistics(const worker_counters& of, const channel_slots* from, std::int64_t began,
                                       std::int64_t until) {
    using std::chrono::nanoseconds;
    ConsumerStatistics one;
    one.items = begun(of, from);
    one.waiting = waited(of.waited_for_input, of.input_since, until);
    one.busy = std::max(nanoseconds(until - began) - one.waiting, nanoseconds(0));
    return one;
}

template <class...>
QueueStatistics queue_statistics(const channel_slots& of) {
    return {.capacity = of.capacity(),
            .fill = of.fill(),
            .high_water = of.high_water(),
            .mean_fill = of.mean_fill()};
}

}  // namespace parallelpipe::detail

#endif
