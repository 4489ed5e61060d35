#ifndef PARALLELPIPE_DETAIL_RUN_STATISTICS_HPP
#define PARALLELPIPE_DETAIL_RUN_STATISTICS_HPP

// What meters and channels say, as users read it.

#include <parallelpipe/detail/channel_base.hpp>
#include <parallelpipe/detail/lanes.hpp>
#include <parallelpipe/detail/meter.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace parallelpipe::detail {

/// A sum of waits, with the one of this moment.
inline std::chrono::nanoseconds waited(const std::atomic<std::int64_t>& sum,
                                       const std::atomic<std::int64_t>& since, std::int64_t until) noexcept {
    const std::int64_t begin = since.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(sum.load(std::memory_order_relaxed) +
                                    (begin == 0 ? 0 : std::max<std::int64_t>(until - begin, 0)));
}

inline WorkerStatistics worker_statistics(const meter& of, std::int64_t now) {
    using std::chrono::nanoseconds;
    const std::int64_t began = of.began.load(std::memory_order_relaxed);
    const std::int64_t ended = of.ended.load(std::memory_order_relaxed);
    const std::int64_t until = ended != 0 ? ended : now;
    const lane* const own = of.pushes_to.load(std::memory_order_acquire);
    WorkerStatistics one;
    one.items_in = of.in.load(std::memory_order_relaxed);
    one.items_out = of.out.load(std::memory_order_relaxed) + (own ? lanes::pushed(*own) : 0);
    one.waiting_for_input = waited(of.waited_for_input, of.input_since, until);
    one.waiting_for_room = waited(of.waited_for_room, of.room_since, until);
    if (began != 0)
        one.busy = std::max(nanoseconds(until - began) - one.waiting_for_input - one.waiting_for_room,
                            nanoseconds(0));
    one.cpu = nanoseconds(of.cpu.load(std::memory_order_relaxed));
    one.is_running = began != 0 && ended == 0;
    return one;
}

inline ConsumerStatistics consumer_statistics(const meter& of, std::int64_t began, std::int64_t until) {
    using std::chrono::nanoseconds;
    ConsumerStatistics one;
    one.items = of.in.load(std::memory_order_relaxed);
    one.waiting = waited(of.waited_for_input, of.input_since, until);
    one.busy = std::max(nanoseconds(until - began) - one.waiting, nanoseconds(0));
    return one;
}

inline QueueStatistics queue_statistics(const channel_base& of) {
    return {.capacity = of.capacity(),
            .fill = of.size_approx(),
            .high_water = of.high_water(),
            .mean_fill = of.mean_fill()};
}

}  // namespace parallelpipe::detail

#endif
