// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_PARKING_SLOTS_HPP
#define PARALLELPIPE_DETAIL_ORDERED_PARKING_SLOTS_HPP

#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/sync/event_count.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <algorithm>
#include <cstddef>

namespace parallelpipe::inline v0::detail {

/// The slots of a channel for results that are parked before they may be pushed, and the wait of workers that can do
/// neither; sequencer.hpp argues what wakes them.
/// Threads: any.
class parking_slots {
public:
    explicit parking_slots(channel_slots& of)
        : of_(of), capacity_(static_cast<std::ptrdiff_t>(of.capacity())),
          kept_(std::max<std::ptrdiff_t>(1, capacity_ / 4)) {
        // Not at every slot: what is parked is not needed yet.
        of.watch(may_go_on_, std::min(2 * kept_, capacity_ - 1));
    }

    /// Takes slots, but none of the last ones: a quarter of all, at least one, is kept for results that can be pushed.
    /// Several at once where many are free: workers that park side by side would wait for this cache line at each
    /// result.
    /// Returns: how many; very many if the channel is unlimited.
    std::ptrdiff_t try_take() noexcept {
        if (capacity_ == 0) return channel_slots::unlimited;
        return of_.try_take_slots([this](std::ptrdiff_t free) {
            return free > kept_ ? std::clamp<std::ptrdiff_t>((free - kept_) / 8, 1, 16) : 0;
        });
    }
    bool has_one() const noexcept {
        return capacity_ == 0 || static_cast<std::ptrdiff_t>(of_.free_slots()) > kept_;
    }
    void give_back(std::ptrdiff_t slots) { of_.return_slots(slots); }

    bool is_closed() const noexcept { return of_.is_closed(); }

    /// Blocks until `is_ready()` or the channel is closed; looks again when there are slots to park in, and after
    /// wake_waiting(). `is_ready_at_last()` is for what costs much to find out and is seldom true: it is asked
    /// before the thread sleeps, and only then.
    template <class Ready, class ReadyAtLast>
    void wait(wait_strategy& strategy, Ready is_ready, ReadyAtLast is_ready_at_last) {
        auto timer = wait_timer::for_room(channel_slots::counters_here());
        for (;;) {
            const int pauses = strategy.pauses();
            for (int i = 0; i < pauses; ++i) {
                if (is_closed() || is_ready()) return;
                timer.begin();
                strategy.pause(i);
            }
            event_count::announcement here(may_go_on_, false);
            if (is_closed() || is_ready() || is_ready_at_last()) return;
            wait_strategy::leaves_core();
            here.wait();
        }
    }

    /// Every thread in wait() looks again: they differ in what they wait for.
    void wake_waiting() {
        if (may_go_on_.has_waiters()) may_go_on_.notify_all();
    }

private:
    channel_slots& of_;
    const std::ptrdiff_t capacity_;
    const std::ptrdiff_t kept_;
    event_count may_go_on_;
};

}  // namespace parallelpipe::detail

#endif
