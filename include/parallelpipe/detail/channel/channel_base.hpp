// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_BASE_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_BASE_HPP

// A channel, its item type erased: both ends of the stream, its readers, and how full it is. channel.hpp has the table
// of its atomics and waits.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/channel/reader_state.hpp>
#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/sync/event_count.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace parallelpipe::inline v0::detail {

/// Threads: any.
class channel_base : public channel_slots {
public:
    channel_base(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : channel_slots(capacity, producers, consumers),
          consumer_count_(consumers),
          producers_(producers),
          consumers_(consumers) {}
    virtual ~channel_base() = default;

    // ---- the end of the stream ----

    /// One of the producers is done. To be called once for each; the last one posts the sentinel.
    void producer_left() {
        if (producers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        sentinel_.store(true, std::memory_order_release);
        not_empty_.notify_all();
    }

    /// One of the consumers is done. To be called once for each.
    /// Returns: whether it was the last one, which then has to close() the channel.
    bool consumer_left() {
        return consumers_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    /// The run stops: pushes and takes fail from now on, and all waits of this channel end.
    void abort() {
        aborted_.store(true, std::memory_order_seq_cst);
        readers_.get_attention();
        close();
        not_empty_.notify_all();
    }
    bool is_aborted() const noexcept { return aborted_.load(std::memory_order_seq_cst); }

    /// A reader failed at the item `number`: no reader takes that item or a later one any more.
    void stop_before(std::uint64_t number) {
        std::uint64_t old = stop_before_.load(std::memory_order_relaxed);
        while (number < old && !stop_before_.compare_exchange_weak(old, number)) {
        }
        readers_.get_attention();
        not_empty_.notify_all();
    }
    bool is_stopped_before(std::uint64_t number) const noexcept {
        return number >= stop_before_.load(std::memory_order_seq_cst);
    }
    bool has_stop() const noexcept { return stop_before_.load(std::memory_order_seq_cst) != no_number; }

    /// No reader is left, and none will come: closes the channel and destroys what waits in it, what readers have taken
    /// and not begun, and what a producer pushes nevertheless. May be called again.
    virtual void discard() = 0;

    // ---- its readers ----

    /// `reader` is told of a stop from now on.
    void add(reader_state& reader) {
        readers_.add(reader, [this] { return is_aborted() || has_stop(); });
    }
    void remove(reader_state& reader) {
        {
            const sync::lock_guard lock(take_mutex_);
            shared_.remove(reader);
        }
        readers_.remove(reader);
    }

    /// A wait of `reader` ends with nothing, and so does each look of its until it says otherwise.
    void unwind(reader_state& reader) {
        reader.unwind(true);
        not_empty_.notify_all();
    }

    /// A reader that finds nothing stops waiting, as at the end.
    void interrupt() {
        interrupted_.store(true, std::memory_order_seq_cst);
        not_empty_.notify_all();
    }
    /// Whether the channel was interrupted since the last call.
    bool end_interruption() noexcept {
        return interrupted_.exchange(false, std::memory_order_seq_cst);
    }

    /// As told_readers::ask_all().
    std::uint64_t ask_readers() { return readers_.ask_all(); }
    /// As told_readers::ahead_of().
    std::uint64_t ahead_of(const worker_counters& counters) const { return readers_.ahead_of(counters); }

    /// As return_slots(), for a reader that goes on, and that calls wake_producer() before it waits or leaves. To wake
    /// a thread costs as much as many items, so a producer is not woken before half of the slots are free, unless
    /// another reader waits for what the producer has. (Where results are parked, half may never be free.)
    /// A reader announces itself, then looks for free slots; this frees slots, then looks for readers.
    void return_slots_in_passing(std::ptrdiff_t items) {
        const std::ptrdiff_t free = free_some(items);
        if (free >= slots_to_wake_ || (free > 0 && not_empty_.has_waiters())) not_full_.notify_one();
    }

    // ---- how full it is ----

    /// How many items wait: approximate, as items on their way are counted or not. What readers have taken and not
    /// begun is not counted.
    std::size_t size_approx() const noexcept {
        const std::size_t taken = taken_.load(std::memory_order_relaxed);
        const std::size_t pushed = lanes_.pushed();
        return pushed > taken ? pushed - taken : 0;
    }
    /// The same for statistics: how many waited at one moment, where size_approx() may miss items that are taken
    /// while it looks.
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
    /// The most items that a reader has found.
    std::size_t high_water() const noexcept { return high_water_.load(std::memory_order_relaxed); }
    /// How many items the readers have found on average when they came for more.
    double mean_fill() const noexcept {
        const auto looks = static_cast<double>(looks_.load(std::memory_order_relaxed));
        return looks == 0 ? 0 : static_cast<double>(found_.load(std::memory_order_relaxed)) / looks;
    }

    /// How many items a reader may take now so that its siblings find theirs: at most a quarter of what waits, divided
    /// among the readers, and `most`; at least 1.
    std::size_t fair_share(std::size_t most) const noexcept {
        return std::clamp<std::size_t>(size_approx() / (4 * consumer_count_), 1, most);
    }

protected:
    /// Under take_mutex_: a reader takes `items`, which are no more in the lanes.
    void count_taken(std::size_t items) noexcept {
        next_number_ += items;
        add_to(taken_, items);
    }
    /// Under take_mutex_: a reader has found so many items.
    void note_fill(std::size_t items) noexcept {
        items = at_most_all(items);
        add_to(found_, items);
        add_to(looks_, 1);
        if (items > high_water_.load(std::memory_order_relaxed))
            high_water_.store(items, std::memory_order_relaxed);
    }

    static constexpr std::uint64_t no_number = std::numeric_limits<std::uint64_t>::max();

    // Written once, at the end; read by readers all the time.
    alignas(cache_line) sync::atomic<bool> aborted_{false};
    sync::atomic<bool> sentinel_{false};
    sync::atomic<bool> interrupted_{false};
    sync::atomic<std::uint64_t> stop_before_{no_number};
    const std::size_t consumer_count_;

    alignas(cache_line) event_count not_empty_;

    producer_lanes lanes_;

    // Readers take items one at a time. Where this lock and that of readers_ are held, this one comes first. What each
    // reader writes lies in one cache line with it.
    alignas(cache_line) yielding_mutex take_mutex_;
    reader_list<&reader_state::next_shared> shared_;  // those that siblings can steal from; under the lock
    given_back_items given_back_;    // they come before what lies in the lanes; under the lock
    std::uint64_t next_number_ = 0;  // of the lanes' next item; under the lock

private:
    /// A full channel, where an ordered stage has let results through beyond the bound: sequencer.hpp says when.
    std::size_t at_most_all(std::size_t items) const noexcept {
        return capacity() == 0 ? items : std::min(items, capacity());
    }

    /// Under take_mutex_.
    template <class Number>
    static void add_to(sync::atomic<Number>& number, std::size_t more) noexcept {
        number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }

    // Written under take_mutex_, read by any thread. Relaxed: numbers.
    sync::atomic<std::size_t> taken_{0};
    sync::atomic<std::size_t> high_water_{0};
    sync::atomic<std::uint64_t> found_{0};
    sync::atomic<std::uint64_t> looks_{0};

    alignas(cache_line) sync::atomic<std::size_t> producers_;
    sync::atomic<std::size_t> consumers_;
    told_readers readers_;
};

}  // namespace parallelpipe::detail

#endif
