// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_SLOTS_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_SLOTS_HPP

// A channel without its items: the slots of the bound, both ends of the stream, sleep and wake-up.
// channel.hpp tells how it all plays together, and what its atomics carry.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/sync/event_count.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace parallelpipe::inline v0::detail {

/// What a channel does without knowing its items: room, close, sentinel, sleep.
class channel_slots {
public:
    channel_slots(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : capacity_(static_cast<std::ptrdiff_t>(capacity)),
          producer_share_(producers == 1 ? capacity_
                                         : capacity_ / static_cast<std::ptrdiff_t>(4 * producers)),
          return_stride_(std::max<std::ptrdiff_t>(
              1, capacity_ / static_cast<std::ptrdiff_t>(8 * consumers))),
          slots_to_wake_(std::max<std::ptrdiff_t>(1, capacity_ / 2)),
          kept_from_parking_(std::max<std::ptrdiff_t>(1, capacity_ / 4)),
          consumer_count_(consumers),
          free_slots_(capacity_),
          producers_(producers),
          consumers_(consumers) {}
    channel_slots(const channel_slots&) = delete;
    channel_slots& operator=(const channel_slots&) = delete;
    virtual ~channel_slots() = default;

    /// How many items may wait; 0 is unlimited.
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(capacity_); }

    /// Items that wait, give or take what is on its way this moment. What readers have taken ahead is
    /// not among them.
    std::size_t size_approx() const noexcept {
        const std::size_t taken = taken_.load(std::memory_order_relaxed);
        const std::size_t pushed = lanes_.pushed();
        return pushed > taken ? pushed - taken : 0;
    }
    /// What waits, for statistics: what did at one moment, where size_approx() may miss what is taken while it
    /// looks.
    std::size_t fill() const noexcept {
        std::size_t waiting = 0;
        for (int attempt = 0; attempt < 100; ++attempt) {
            // Acquire: the looks at the lanes, which are acquire too, lie between this one and the next.
            const std::size_t taken = taken_.load(std::memory_order_acquire);
            const std::size_t pushed = lanes_.pushed();
            waiting = pushed > taken ? pushed - taken : 0;
            if (taken == taken_.load(std::memory_order_relaxed)) break;
        }
        return at_most_all(waiting);
    }
    /// The most that its readers have found.
    std::size_t high_water() const noexcept { return high_water_.load(std::memory_order_relaxed); }
    /// What its readers have found on average, when they came for more.
    double mean_fill() const noexcept {
        const auto looks = static_cast<double>(looks_.load(std::memory_order_relaxed));
        return looks == 0 ? 0 : static_cast<double>(found_.load(std::memory_order_relaxed)) / looks;
    }

    /// Nobody will read on: pushes fail from now on. What is inside stays readable.
    void close() {
        closed_.store(true, std::memory_order_relaxed);
        not_full_.notify_all();
        wake_parking();
    }

    /// The run stops: pushes and takes fail from now on, everybody who waits wakes.
    void abort() {
        aborted_.store(true, std::memory_order_seq_cst);
        get_attention();
        close();
        not_empty_.notify_all();
    }

    /// No reader goes on, and none will come: closes the channel; what waits in it dies now, with what readers have
    /// taken and not begun, and what a producer has pushed nevertheless. From any thread, again and again.
    virtual void discard() = 0;

    bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }
    bool is_aborted() const noexcept { return aborted_.load(std::memory_order_seq_cst); }

    /// One of the producers is done. To be called once for each; the last one posts the sentinel.
    void producer_left() {
        if (producers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        sentinel_.store(true, std::memory_order_release);
        not_empty_.notify_all();
    }

    /// One of the consumers is done. To be called once for each. Returns whether it was the last: it
    /// then has to close() the channel.
    bool consumer_left() {
        return consumers_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    /// How many items a consumer may work off before it returns their slots.
    std::ptrdiff_t return_stride() const noexcept { return return_stride_; }

    /// `items` items are no longer waiting: their slots are free. (Negative: they wait again.)
    void return_slots(std::ptrdiff_t items) {
        if (free_a_slot(items) > 0) not_full_.notify_one();
    }

    /// The same for a reader that goes on, and calls wake_producer() before it waits or leaves: to wake
    /// somebody costs as much as many items, so nobody is woken before half of the slots are free, unless
    /// another reader waits for what the producer has. (Where results are parked, half may never be free.)
    /// A reader announces itself, then looks for free slots; this frees them, then looks for readers.
    void return_slots_in_passing(std::ptrdiff_t items) {
        const std::ptrdiff_t room = free_a_slot(items);
        if (room >= slots_to_wake_ || (room > 0 && not_empty_.has_waiters())) not_full_.notify_one();
    }

    /// Wakes a producer, if one waits and there is room.
    void wake_producer() {
        if (free_slots_.load(std::memory_order_relaxed) > 0) not_full_.notify_one();
    }

    /// Makes everybody look again who waits in wait_to_park().
    void wake_parking() {
        if (may_park_.has_waiters()) may_park_.notify_all();
    }

    /// Takes slots for results that are not to be pushed yet, but none of the last ones: a quarter of all, at
    /// least one, is kept for what can be pushed. Some at once, where there are many: workers that park side by
    /// side would wait for this cache line at each result.
    /// Returns: how many; very many if the queue is unlimited.
    std::ptrdiff_t try_take_slots_to_park() noexcept {
        if (capacity_ == 0) return std::numeric_limits<std::ptrdiff_t>::max();
        std::ptrdiff_t room = free_slots_.load(std::memory_order_relaxed);
        while (room > kept_from_parking_) {
            const std::ptrdiff_t taken =
                std::clamp<std::ptrdiff_t>((room - kept_from_parking_) / 8, 1, 16);
            if (free_slots_.compare_exchange_weak(room, room - taken, std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return taken;
        }
        return 0;
    }
    /// For how many items there is room; very many if the queue is unlimited.
    std::size_t free_slots() const noexcept {
        if (capacity_ == 0) return std::numeric_limits<std::size_t>::max();
        return static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(free_slots_.load(std::memory_order_relaxed), 0, capacity_));
    }
    bool has_slot_to_park() const noexcept {
        return capacity_ == 0 || free_slots_.load(std::memory_order_relaxed) > kept_from_parking_;
    }

    /// Blocks until `ready()` holds or the channel is closed; looks again when there are slots to park
    /// in and after wake_parking(). What is dear to ask, and seldom true, is `ready_at_last()`: it is asked
    /// before the thread sleeps, and only then.
    template <class Ready, class ReadyAtLast>
    void wait_to_park(wait_strategy& patient, Ready ready, ReadyAtLast ready_at_last) {
        auto timer = wait_timer::for_room(own_counters());
        for (;;) {
            const int pauses = patient.pauses();
            for (int i = 0; i < pauses; ++i) {
                if (is_closed() || ready()) return;
                timer.begin();
                patient.pause(i);
            }
            const auto key = may_park_.prepare();
            if (is_closed() || ready() || ready_at_last()) {
                may_park_.cancel(key);
                return;
            }
            wait_strategy::leaves_core();
            may_park_.wait(key);
        }
    }

    /// That reader, if it waits, comes back with nothing, and so does each look of its until it says otherwise.
    void unwind(reader_state& reader) {
        reader.unwind(true);
        not_empty_.notify_all();
    }

    /// A consumer that finds nothing comes back with nothing, as at the end, instead of waiting on.
    void interrupt() {
        interrupted_.store(true, std::memory_order_seq_cst);
        not_empty_.notify_all();
    }
    /// Whether that has happened; then not any more.
    bool end_interruption() noexcept {
        return interrupted_.exchange(false, std::memory_order_seq_cst);
    }

    /// `reader` is told of a stop from now on.
    void add(reader_state& reader) {
        const sync::lock_guard lock(readers_mutex_);
        readers_.add(reader);
        if (is_aborted() || has_stop())
            reader.attention.store(true, std::memory_order_seq_cst);
    }
    void remove(reader_state& reader) {
        const sync::lock_guard lock(readers_mutex_);
        readers_.remove(reader);
    }

    /// Asks every reader to show that he gets on: who does comes by at his next item and takes the question
    /// back, as with any other that wants his attention. Items are counted in bulk, so without that a
    /// loop of slow items would seem to stand still.
    /// Returns: how often they have come by so far, all together.
    std::uint64_t ask_readers() {
        const sync::lock_guard lock(readers_mutex_);
        std::uint64_t visits = 0;
        for (reader_state* reader = readers_.first(); reader; reader = readers_.next(*reader)) {
            visits += reader->visits();
            reader->attention.store(true, std::memory_order_seq_cst);
        }
        return visits;
    }

    /// How many items the reader that counts for `who` has taken and not begun.
    std::uint64_t ahead_of(const worker_counters& who) const {
        const sync::lock_guard lock(readers_mutex_);
        std::uint64_t ahead = 0;
        for (const reader_state* reader = readers_.first(); reader; reader = readers_.next(*reader))
            if (reader->own_counters() == &who) ahead += reader->ahead();
        return ahead;
    }

    /// A consumer failed at the item `number`: nobody takes that one or one behind it any more.
    void stop_before(std::uint64_t number) {
        std::uint64_t old = stop_before_.load(std::memory_order_relaxed);
        while (number < old && !stop_before_.compare_exchange_weak(old, number)) {
        }
        get_attention();
        not_empty_.notify_all();
    }
    bool is_stopped_before(std::uint64_t number) const noexcept {
        return number >= stop_before_.load(std::memory_order_seq_cst);
    }
    bool has_stop() const noexcept { return stop_before_.load(std::memory_order_seq_cst) != no_number; }

protected:
    /// Takes slots for a producer with an item in hand: as many as there are up to its share, so that
    /// the next items cost nothing shared, but at least the one. Blocks while there is none.
    /// Returns 0 once the channel is closed.
    std::ptrdiff_t take_slots(wait_strategy& patient) {
        if (capacity_ == 0) return is_closed() ? 0 : std::numeric_limits<std::ptrdiff_t>::max();
        auto timer = wait_timer::for_room(own_counters());
        for (;;) {
            if (const std::ptrdiff_t taken = try_take_slots()) return patient.brought(taken);
            if (is_closed()) return 0;
            timer.begin();
            if (patient.sleep_uninterrupted(capacity() - free_slots())) continue;
            const int pauses = patient.pauses();
            for (int i = 0; i < pauses; ++i) {
                patient.pause(i);
                if (const std::ptrdiff_t taken = try_take_slots()) {
                    patient.spin_succeeded();
                    return patient.brought(taken);
                }
                if (is_closed()) return 0;
            }
            const auto key = not_full_.prepare();
            if (const std::ptrdiff_t taken = try_take_slots()) {
                not_full_.cancel(key);
                return patient.brought(taken);
            }
            if (is_closed()) {
                not_full_.cancel(key);
                return 0;
            }
            patient.sleeps();
            not_full_.wait(key);
        }
    }

    /// The calling worker's meter.
    static worker_counters* own_counters() noexcept { return current_worker ? current_worker->own_counters : nullptr; }

    /// Under take_mutex_: a reader has found so many items.
    void note_fill(std::size_t items) noexcept {
        items = at_most_all(items);
        const auto add = [](auto& number, std::uint64_t more) {
            number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
        };
        add(found_, items);
        add(looks_, 1);
        if (items > high_water_.load(std::memory_order_relaxed))
            high_water_.store(items, std::memory_order_relaxed);
    }

    static constexpr std::uint64_t no_number = std::numeric_limits<std::uint64_t>::max();

    const std::ptrdiff_t capacity_;
    const std::ptrdiff_t producer_share_;
    const std::ptrdiff_t return_stride_;
    const std::ptrdiff_t slots_to_wake_;
    const std::ptrdiff_t kept_from_parking_;
    const std::size_t consumer_count_;

    // Written once, at the end; read by both sides all the time.
    alignas(cache_line) sync::atomic<bool> closed_{false};
    sync::atomic<bool> aborted_{false};
    sync::atomic<bool> sentinel_{false};
    sync::atomic<bool> interrupted_{false};
    sync::atomic<std::uint64_t> stop_before_{no_number};

    alignas(cache_line) sync::atomic<std::ptrdiff_t> free_slots_;
    sync::atomic<std::size_t> producers_;
    sync::atomic<std::size_t> consumers_;

    alignas(cache_line) event_count not_empty_;
    alignas(cache_line) event_count not_full_;
    event_count may_park_;  // behind an ordered stage: all are woken, as they differ in what they wait for

    producer_lanes lanes_;

    // One who takes items at a time. Before readers_mutex_, where both are held. What each taker writes lies
    // in one cache line with it.
    alignas(cache_line) yielding_mutex take_mutex_;
    reader_list<&reader_state::next_shared> shared_;  // those whose items can be stolen; under it
    given_back_items given_back_;                    // before what lies in the lanes; under it
    std::uint64_t next_number_ = 0;  // of the lanes' next item; under it
    // Written by who takes items, read by anybody; relaxed: numbers.
    sync::atomic<std::size_t> taken_{0};
    sync::atomic<std::size_t> high_water_{0};
    sync::atomic<std::uint64_t> found_{0};
    sync::atomic<std::uint64_t> looks_{0};

    alignas(cache_line) mutable sync::mutex readers_mutex_;
    reader_list<&reader_state::next_told> readers_;  // under readers_mutex_

    void share(reader_state& items) {
        const sync::lock_guard lock(take_mutex_);
        shared_.add(items);
    }
    void unshare(reader_state& items) {
        const sync::lock_guard lock(take_mutex_);
        shared_.remove(items);
    }

private:
    /// The queue is full, and no more than that, also where an ordered stage has let results through beyond the
    /// bound: sequencer.hpp says when.
    std::size_t at_most_all(std::size_t items) const noexcept {
        return capacity_ == 0 ? items : std::min(items, capacity());
    }

    void get_attention() {
        const sync::lock_guard lock(readers_mutex_);
        for (reader_state* reader = readers_.first(); reader; reader = readers_.next(*reader))
            reader->attention.store(true, std::memory_order_seq_cst);
    }
    /// Returns: how many slots are free then; 0 if that is not of interest.
    std::ptrdiff_t free_a_slot(std::ptrdiff_t items) {
        if (capacity_ == 0 || items == 0) return 0;
        const std::ptrdiff_t room = free_slots_.fetch_add(items, std::memory_order_release) + items;
        // Not for every slot: what is parked is not needed yet.
        if (room > std::min(2 * kept_from_parking_, capacity_ - 1)) wake_parking();
        return room;
    }

    std::ptrdiff_t try_take_slots() {
        std::ptrdiff_t room = free_slots_.load(std::memory_order_relaxed);
        while (room > 0) {
            const std::ptrdiff_t taken =
                std::clamp<std::ptrdiff_t>(producer_share_, 1, room);
            // Acquire: pairs with return_slots, whose consumers are done with those items.
            if (free_slots_.compare_exchange_weak(room, room - taken, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
                if (room != taken) not_full_.notify_one();
                return taken;
            }
        }
        return 0;
    }
};

}  // namespace parallelpipe::detail

#endif
