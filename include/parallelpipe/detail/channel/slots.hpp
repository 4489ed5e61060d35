// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_SLOTS_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_SLOTS_HPP

// The producers' side of a channel: the slots of its bound, and the end that its readers set. channel.hpp has the
// table of its atomics and waits.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/event_count.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

namespace parallelpipe::inline v0::detail {

/// A waiting item holds a slot: a producer takes slots before it pushes, a reader returns a slot when an item comes
/// into its hands. Both do so for several items at once.
/// Threads: any.
class channel_slots {
public:
    channel_slots(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : capacity_(static_cast<std::ptrdiff_t>(capacity)),
          producer_share_(producers == 1 ? capacity_
                                         : capacity_ / static_cast<std::ptrdiff_t>(4 * producers)),
          return_stride_(std::max<std::ptrdiff_t>(
              1, capacity_ / static_cast<std::ptrdiff_t>(8 * consumers))),
          slots_to_wake_(std::max<std::ptrdiff_t>(1, capacity_ / 2)),
          free_(capacity_) {}
    channel_slots(const channel_slots&) = delete;
    channel_slots& operator=(const channel_slots&) = delete;

    /// How many items may wait; 0 is unlimited.
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(capacity_); }

    /// How many slots are free; the highest number if the channel is unlimited.
    std::size_t free_slots() const noexcept {
        if (capacity_ == 0) return std::numeric_limits<std::size_t>::max();
        return static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(free_.load(std::memory_order_relaxed), 0, capacity_));
    }

    /// Takes slots for a producer with an item in hand: as many as are free up to the producer's share, so that the
    /// next items cost nothing shared.
    /// Blocks: until there is one; woken as channel.hpp says.
    /// Returns: how many, at least 1; the highest number if the channel is unlimited; 0 once it is closed.
    std::ptrdiff_t take_slots(wait_strategy& strategy) {
        if (capacity_ == 0) return is_closed() ? 0 : unlimited;
        auto timer = wait_timer::for_room(counters_here());
        const auto look = [this](bool) -> std::optional<std::ptrdiff_t> {
            if (const std::ptrdiff_t taken = try_take_share()) return taken;
            return is_closed() ? std::optional<std::ptrdiff_t>(0) : std::nullopt;
        };
        const auto idle = [&] {
            timer.begin();
            return capacity() - free_slots();
        };
        return strategy.brought(*strategy.wait(not_full_, false, look, idle, [] {}));
    }

    /// Takes as many slots as `share(free)` says, again and again where another thread changes their number
    /// meanwhile. Not for an unlimited channel.
    /// Returns: how many; 0 if `share` is at most that.
    template <class Share>
    std::ptrdiff_t try_take_slots(Share share) noexcept {
        std::ptrdiff_t free = free_.load(std::memory_order_relaxed);
        for (;;) {
            const std::ptrdiff_t taken = share(free);
            if (taken <= 0) return 0;
            // Acquire: pairs with free_some(), whose reader is done with the items that held the slots.
            if (free_.compare_exchange_weak(free, free - taken, std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return taken;
        }
    }

    /// How many items a reader may begin before it returns their slots.
    std::ptrdiff_t return_stride() const noexcept { return return_stride_; }

    /// `items` items do not wait any more: their slots are free. Where `items` is negative, they wait again.
    void return_slots(std::ptrdiff_t items) {
        if (free_some(items) > 0) not_full_.notify_one();
    }

    /// Wakes a producer, if one waits and a slot is free.
    void wake_producer() {
        if (free_.load(std::memory_order_relaxed) > 0) not_full_.notify_one();
    }

    /// No thread will read on: pushes fail from now on. What waits stays readable.
    void close() {
        closed_.store(true, std::memory_order_relaxed);
        not_full_.notify_all();
        if (watcher_) watcher_->notify_all();
    }
    bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

    /// All that wait on `event` are notified by close(), and whenever more than `free` slots are free; for threads
    /// that take slots by another rule than a producer's. Before the threads start.
    void watch(event_count& event, std::ptrdiff_t free) noexcept {
        watcher_ = &event;
        watched_ = free;
    }

    static constexpr std::ptrdiff_t unlimited = std::numeric_limits<std::ptrdiff_t>::max();

    /// Those of the calling worker; null on a thread that is no worker.
    static worker_counters* counters_here() noexcept {
        return current_worker ? current_worker->own_counters : nullptr;
    }

protected:
    ~channel_slots() = default;

    /// Returns: how many slots are free then; 0 if the channel is unlimited or nothing was freed.
    std::ptrdiff_t free_some(std::ptrdiff_t items) {
        if (capacity_ == 0 || items == 0) return 0;
        const std::ptrdiff_t free = free_.fetch_add(items, std::memory_order_release) + items;
        if (watcher_ && free > watched_ && watcher_->has_waiters()) watcher_->notify_all();
        return free;
    }

    const std::ptrdiff_t capacity_;
    const std::ptrdiff_t producer_share_;
    const std::ptrdiff_t return_stride_;
    const std::ptrdiff_t slots_to_wake_;

private:
    std::ptrdiff_t try_take_share() {
        bool are_left = false;
        const std::ptrdiff_t taken = try_take_slots([&](std::ptrdiff_t free) {
            const std::ptrdiff_t some = std::min(std::max<std::ptrdiff_t>(producer_share_, 1), free);
            are_left = some != free;
            return some;
        });
        if (taken != 0 && are_left) not_full_.notify_one();
        return taken;
    }

    event_count* watcher_ = nullptr;
    std::ptrdiff_t watched_ = 0;
    sync::atomic<bool> closed_{false};  // beside what never changes: each push reads it

    alignas(cache_line) sync::atomic<std::ptrdiff_t> free_;

protected:
    alignas(cache_line) event_count not_full_;
};

}  // namespace parallelpipe::detail

#endif
