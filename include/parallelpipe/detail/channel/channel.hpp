// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_HPP

// The bounded multi-producer multi-consumer queue between two stages.
//
// Happens-before edges, by the atomic that carries them:
//
// | atomic       | written by                 | read by             | what it carries                  |
// |--------------|----------------------------|---------------------|----------------------------------|
// | filled       | Producer::push             | Consumer::try_take  | an item: lanes.hpp               |
// | room_        | consumers +n, producers -n | producers           | the slots of items that have been|
// |              |                            |                     | taken: release on +, acquire on -|
// | sentinel_    | the last producer to leave | consumers           | every push: release / acquire    |
// | closed_      | last consumer, or a stop   | producers, per push | nothing but itself: relaxed; the |
// |              |                            |                     | waits look again after prepare() |
// | interrupted_ | siblings of the reader     | the reader          | nothing but itself               |
// | stop_before_ | who fails                  | consumers           | nothing but itself: seq_cst with |
// |              |                            |                     | attention, as aborted_           |
// | aborted_     | a stop                     | consumers           | why the run stopped; seq_cst with|
// |              |                            |                     | attention in prefetched_items.hpp     |
// | producers_, consumers_ | each side, once per handle | the same  | the last one's right to end it:  |
// |              |                            |                     | acq_rel, so it sees all the rest |
//
// Waits, and who wakes them:
// * a consumer that finds the queue empty sleeps on not_empty_: woken by a push, by items given
//   back, by the sentinel, by interrupt(), by stop_before(), by unwind(), by abort();
// * a producer that finds no room sleeps on not_full_: woken by a consumer that returns slots, if half of
//   them are free then or one has nothing to read or leaves, by a producer that took some and left some
//   or that leaves, by close(), by abort().
// Each changes the condition first and notifies then; event_count.hpp argues why none is lost.
//
// End of stream is a sentinel: the last producer to leave posts it. It is latched beside the queue
// instead of travelling through it as an item: order is kept only within one producer, so a
// sentinel in the queue could overtake items, would need a place in every item's type, and would
// have to be put back for each sibling. Whoever sees it drains what is left (everything was pushed
// before it was posted) and leaves it standing for the siblings.
//
// Where the last reader leaves, or the loop, while items wait, these die at once (discard()), as the source may be
// waiting for that. An item that is pushed meanwhile is seen by that reader, or its producer sees that the readers have
// retired, and discards it; event_count.hpp argues why.
//
// No item waits behind a slow one: a consumer that finds nothing else steals what its siblings have
// taken and not begun (prefetched_items.hpp), before it sleeps and before it believes in the end. So an
// item that was taken is begun by its taker, stolen, or given back by a taker that leaves.

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>
#include <parallelpipe/detail/channel/item_store.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// A bounded multi-producer multi-consumer queue with an end of stream on either side.
/// Shape: items of one producer keep their order; an item is visible as soon as `push` returns, and
///   is moved in and moved out, and once more where another consumer takes it over. At most `capacity` items wait.
/// Threads: the numbers of producers and consumers are fixed at construction. Each uses a handle of
///   its own, `Producer` or `Consumer`, on one thread at a time, and tells `producer_left()` or
///   `consumer_left()` once when it is done. All other members from any thread.
/// Cost: a push is one uncontended store; slots, tokens and wake-ups are paid per bulk.
template <class T>
class Channel : public item_store<T> {
public:
    class Producer;
    class Consumer;

    /// `capacity` 0 is unlimited. `producers` and `consumers` are at least 1.
    Channel(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : item_store<T>(capacity, producers, consumers) {}

private:
    using items = item_store<T>;
    using typename items::items_chunk;
    using items::chunk_size;
    using items::items_of;
};

/// The pushing end of a channel.
template <class T>
class Channel<T>::Producer {
public:
    /// Errors: `std::bad_alloc`.
    explicit Producer(Channel& channel) : channel_(channel), lane_(channel.lanes_.open()) {}
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    ~Producer() {
        // Without a bound there is nothing to return.
        if (channel_.capacity_ != 0)
            channel_.return_slots(free_slots_ + static_cast<std::ptrdiff_t>(ready_ - filled_));
    }

    /// Pushes in a row. While it lives the producer is used through it alone: what each push looks at then
    /// stays in the core's registers, where the compiler cannot keep a member of the producer.
    class Row {
    public:
        explicit Row(Producer& of) noexcept : of_(of), channel_(of.channel_) { come_back(); }
        ~Row() { of_.filled_ = filled_; }
        Row(const Row&) = delete;
        Row& operator=(const Row&) = delete;

        /// As Producer::push.
        [[nodiscard]] PARALLELPIPE_INLINE bool push(T&& item) {
            if (channel_.is_closed()) [[unlikely]]
                return false;
            if (filled_ == ready_) [[unlikely]] {
                of_.filled_ = filled_;
                if (!of_.make_ready()) return false;
                come_back();
            }
            std::construct_at(items_ + filled_, std::move(item));
            ++filled_;
            chunk_->filled.store(filled_, std::memory_order_release);
            if (!channel_.not_empty_.notify_one()) [[unlikely]]
                channel_.discard_items();  // the readers have left meanwhile
            return true;
        }

    private:
        void come_back() noexcept {
            chunk_ = of_.chunk_;
            items_ = of_.items_;
            filled_ = of_.filled_;
            ready_ = of_.ready_;
        }

        Producer& of_;
        Channel& channel_;
        chunk* chunk_;
        T* items_;
        std::size_t filled_;
        std::size_t ready_;
    };

    /// Adds an item at the end.
    /// Blocks: while the channel is full; woken by a consumer that makes room and by close().
    /// Returns: false if the channel is closed; the item is then left as it was.
    /// Errors: what the item's move throws, `std::bad_alloc`; the item is then not in the channel.
    [[nodiscard]] bool push(T&& item) { return Row(*this).push(std::move(item)); }

    /// The same for an item that holds a slot already. Never blocks.
    [[nodiscard]] bool push_with_slot(T&& item) {
        free_slots_ += channel_.capacity_ == 0 ? 0 : 1;
        return push(std::move(item));
    }

    /// What is pushed here counts as what `who` has yielded.
    void count_for(worker_counters* who) const noexcept {
        if (who) who->pushes_to.store(&lane_, std::memory_order_release);
    }

private:
    /// Gets slots, and memory to construct items in. Blocks and returns as push().
    PARALLELPIPE_RARE bool make_ready() {
        core_contention::here().work();
        if (free_slots_ == 0) {
            free_slots_ = channel_.take_slots(wait_strategy_);
            if (free_slots_ == 0) return false;
        }
        if (!chunk_ || filled_ == chunk_size) open_chunk();
        const auto more = std::min(free_slots_, static_cast<std::ptrdiff_t>(chunk_size - filled_));
        if (channel_.capacity_ != 0) free_slots_ -= more;
        ready_ = filled_ + static_cast<std::size_t>(more);
        detail::prefetch_to_write(items_ + filled_, items_ + ready_);
        return true;
    }

    void open_chunk() {
        const producer_lanes::change changing(lane_);
        chunk* opened = producer_lanes::reuse(lane_);
        if (!opened) {
            opened = new items_chunk;
            producer_lanes::adopt(lane_, *opened);
        }
        channel_.lanes_.announce(lane_, *opened, filled_);
        chunk_ = opened;
        items_ = items_of(*opened);
        filled_ = ready_ = 0;
    }

    Channel& channel_;
    lane& lane_;
    chunk* chunk_ = nullptr;   // the one that is being filled
    T* items_ = nullptr;       // its items
    std::size_t filled_ = 0;   // how many
    std::size_t ready_ = 0;    // how many there may be: there are slots for them
    std::ptrdiff_t free_slots_ = 0;  // more slots taken and not yet used
    wait_strategy wait_strategy_;
};

/// The taking end of a channel.
template <class T>
class Channel<T>::Consumer {
public:
    /// `reader` is told of a stop. Its items can be stolen if it `shares` them.
    Consumer(Channel& channel, reader_state& reader, prefetched_items<T>* shared)
        : channel_(channel), reader_(reader), shared_(shared) {
        channel_.add(reader_);
        if (shared_) channel_.share(*shared_);
    }
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    ~Consumer() {
        if (shared_) channel_.unshare(*shared_);
        channel_.remove(reader_);
    }

    /// Takes up to `most` items if there are any; `place(T&&)` is called for each, in order. If moving
    /// them cannot throw, it may be a place(std::span<T>) instead, for several at once.
    /// The items keep their slots until return_slots() is told.
    /// Returns: how many; 0 if the channel was empty.
    /// Errors: what `place` throws; that item is lost. Of take() also `std::bad_alloc`, at the end: siblings
    /// have items that they have not begun, and there is no memory to fetch them.
    template <class Place>
    std::size_t try_take(std::size_t most, Place&& place) {
        const auto alone = lock();
        return channel_.take_waiting(most, place, first_number_);
    }

    /// The same, but waits. `before_sleep()` is called before the first pause.
    /// Blocks: while the channel is empty; woken by a push, by items given back, by the sentinel, by
    ///   interrupt(), by stop_before(), by unwind() and by abort().
    /// Returns: 0 at the end of the stream, in front of a stop or an interruption, while the reader `unwinds`, or
    ///   once the channel is aborted.
    template <class Place, class BeforeSleep>
    std::size_t take(std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        auto timer = wait_timer::for_input(reader_.own_counters());
        for (;;) {
            if (const auto taken = look(most, place, false)) return took(*taken);
            timer.begin();
            before_sleep();
            channel_.wake_producer();
            if (wait_strategy_.sleep_uninterrupted(channel_.free_slots())) continue;
            const int pauses = wait_strategy_.pauses();
            for (int i = 0; i < pauses; ++i) {
                wait_strategy_.pause(i);
                if (const auto taken = look(most, place, false)) {
                    wait_strategy_.spin_succeeded();
                    return took(*taken);
                }
            }
            const auto key = channel_.not_empty_.prepare(wait_strategy_.spinning_is_futile());
            std::optional<std::size_t> taken;
            try {
                taken = look(most, place, true);
            } catch (...) {
                channel_.not_empty_.cancel(key);
                throw;
            }
            if (taken) {
                channel_.not_empty_.cancel(key);
                return took(*taken);
            }
            channel_.wake_producer();  // see return_slots_in_passing()
            wait_strategy_.sleeps();
            channel_.not_empty_.wait(key);
        }
    }

    /// Whether it is of use to offer the core before a look for items: not where they are so far apart that
    /// to wait means to sleep, and not where other programs keep it.
    bool may_yield_core() noexcept {
        return !wait_strategy_.spinning_is_futile() && !core_contention::here().avoid_yield();
    }
    void yield_core() noexcept { wait_strategy_.yield_core(); }

    /// How many items to take now so that the siblings find theirs: at most a quarter of what waits,
    /// divided among the consumers.
    std::size_t fair_share(std::size_t most) const {
        const std::size_t waiting = channel_.size_approx();
        return std::clamp<std::size_t>(waiting / (4 * channel_.consumer_count_), 1, most);
    }

    /// Does `what` while no other thread looks at the reader's items.
    template <class What>
    void alone(What what) {
        const auto alone = lock();
        what();
    }

    /// Hands the shared items from `first` on to the siblings.
    void give_back(T* first) {
        {
            const auto alone = lock();
            channel_.put_back(*shared_, first);
        }
        channel_.not_empty_.notify_all();
    }

    /// Something got the reader's attention: waits until no thief is at work. If its next item, that
    /// of `number`, is not to be read any more, calls `drop()` before another thief can come.
    /// Returns: whether to go on.
    template <class Drop>
    bool settle(std::uint64_t number, Drop drop) {
        const auto alone = lock();
        reader_.looks_up();
        if (!channel_.is_aborted() && !channel_.is_stopped_before(number)) {
            // A later one of those that it has taken may be.
            if (channel_.has_stop()) reader_.attention.store(true, std::memory_order_seq_cst);
            return true;
        }
        drop();
        return false;
    }

    /// The number in the stream of the first of the items that were taken last, or of the one that
    /// `place` threw at.
    std::uint64_t first_number() const noexcept { return first_number_; }

    bool is_given_back(std::uint64_t number) {
        const auto alone = lock();
        return channel_.given_back_.contains(number);
    }

    /// Whether an item in front of that one was given back, or can be stolen.
    bool has_items_before(std::uint64_t number) {
        const auto alone = lock();
        if (!channel_.given_back_.is_empty() && channel_.given_back_.first_number() < number) return true;
        return channel_.could_steal_before(number, shared_);
    }

private:
    /// Takers come one at a time.
    sync::lock_guard<yielding_mutex> lock() { return sync::lock_guard(channel_.take_mutex_); }

    std::size_t took(std::size_t items) {
        if (items > few) channel_.not_empty_.come_often();
        return wait_strategy_.brought(items);
    }

    /// A number: that many items, 0 at the end. Nothing: empty, but more may come.
    template <class Place>
    std::optional<std::size_t> look(std::size_t most, Place& place, bool may_steal) {
        if (channel_.is_aborted() || reader_.unwinds()) return 0;
        const bool stopped = channel_.has_stop();
        // The sentinel first: if it stands, every push came before, and an empty queue is final.
        const bool ended = channel_.sentinel_.load(std::memory_order_acquire);
        const auto alone = lock();
        if (const std::size_t taken = channel_.take_waiting(most, place, first_number_)) return taken;
        // Of what is stolen only what lies in front of a stop is to be read: there may be more behind it.
        while ((may_steal || ended || stopped) && channel_.try_steal(shared_, ended || stopped))
            if (const std::size_t taken = channel_.take_waiting(most, place, first_number_)) return taken;
        const bool interrupted = channel_.interrupted_.load(std::memory_order_seq_cst);
        return ended || stopped || interrupted ? std::optional<std::size_t>(0) : std::nullopt;
    }

    static constexpr std::size_t few = 3;  // so many at once do not show that items come often

    Channel& channel_;
    reader_state& reader_;
    prefetched_items<T>* const shared_;  // null: no sibling can steal from this one
    std::uint64_t first_number_ = 0;
    wait_strategy wait_strategy_;
};

}  // namespace parallelpipe::detail

#endif
