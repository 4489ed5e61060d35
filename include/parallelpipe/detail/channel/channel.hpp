// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_HPP

// The bounded multi-producer multi-consumer queue between two stages.
//
// Happens-before edges, by the atomic that carries them:
//
// | atomic       | written by                | read by             | what it carries                         |
// |--------------|---------------------------|---------------------|-----------------------------------------|
// | filled       | channel_producer          | try_take()          | an item: producer_lanes.hpp             |
// | free_        | readers +n, producers -n  | producers           | the slots of items that have been begun:|
// |              |                           |                     | release on +, acquire on -              |
// | sentinel_    | the last producer to      | readers             | every push: release / acquire           |
// |              | leave                     |                     |                                         |
// | closed_      | the last reader, or a     | producers, at each  | nothing but itself: relaxed; a wait     |
// |              | stop                      | push                | looks again after prepare()             |
// | interrupted_ | siblings of the reader    | the reader          | nothing but itself                      |
// | stop_before_ | a reader that fails       | readers             | nothing but itself: seq_cst with        |
// |              |                           |                     | attention, as aborted_                  |
// | aborted_     | a stop                    | readers             | why the run stopped; seq_cst with       |
// |              |                           |                     | attention in reader_state.hpp           |
// | producers_,  | each side, once per       | the same            | the last one's right to end the stream: |
// | consumers_   | handle                    |                     | acq_rel, so it sees all that the others |
// |              |                           |                     | did                                     |
//
// Waits, and what wakes them:
// * a reader that finds the channel empty sleeps on not_empty_: woken by a push, by items given
//   back, by the sentinel, by interrupt(), by stop_before(), by unwind(), by abort();
// * a producer that finds no slot free sleeps on not_full_: woken by a reader that returns slots, if half of
//   them are free then, or if another reader waits, or by a reader that waits or leaves; by a producer that took
//   some slots and left some, or that leaves; by close(), by abort().
// Each changes the condition first and notifies then; event_count.hpp argues why no notification is lost.
//
// The end of the stream is a sentinel: the last producer to leave posts it. It is a flag beside the items
// and not one of them: order is kept only within one producer, so a sentinel among the items could overtake
// some of them, would need a place in every item's type, and would have to be put back for each sibling. A
// reader that sees the sentinel drains what is left (every push came before it) and leaves it standing for
// its siblings.
//
// Where the last reader leaves, or the loop, while items wait, these die at once (discard()), as the source may
// wait for that. An item that is pushed meanwhile is seen by that reader, or its producer sees that the readers have
// retired, and discards it; event_count.hpp argues why.
//
// No item waits for a slow one: a reader that finds nothing else steals what its siblings have taken and not
// begun (prefetched_items.hpp), before it sleeps and before it believes in the end. So an item that was taken
// is begun by its taker, stolen, or given back by a taker that leaves.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/item_store.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/sync/asymmetric_fence.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// A bounded multi-producer multi-consumer queue with an end of stream on either side.
/// Shape: items of one producer keep their order. An item can be taken as soon as its push returns; it is moved in and
///   moved out, and once more where another reader takes it over. At most `capacity` items wait; 0 is unlimited.
/// Threads: the numbers of producers and readers are fixed at construction, at least 1 each. Each producer uses a
///   `channel_producer` of its own, each reader a `reader_state` of its own that it has told add(), on one thread at a
///   time, and calls producer_left() or consumer_left() once when it is done. All other members from any thread.
/// Cost: a push is one uncontended store; slots, tokens and notifications are paid per bulk.
template <class T>
class item_channel final : public item_store<T> {
public:
    using item_store<T>::item_store;
    using item_store<T>::chunk_size;

    /// Siblings can steal from `items`, whose reader is told of a stop.
    void share(prefetched_items<T>& items) {
        const auto lock = this->lock();
        this->shared_.add(items);
    }

    /// Takes up to `most` items if there are any. `place(T&&)` is called for each, in order; if moving them cannot
    /// throw, it may be a place(std::span<T>) instead, for several at once. The items keep their slots until
    /// return_slots() is told. `may_steal`: if there is nothing else, what siblings have not begun.
    /// Returns: how many; nothing if the channel is empty and more may come; 0 at the end of the stream, at a stop or an
    ///   interruption, while the reader `unwinds`, and once the channel is aborted.
    /// Errors: what `place` throws; that item is lost. At the end also `std::bad_alloc`: siblings have items that they
    ///   have not begun, and there is no memory to fetch them.
    template <class Place>
    std::optional<std::size_t> try_take(reader_state& reader, std::size_t most, Place&& place, bool may_steal) {
        if (this->is_aborted() || reader.unwinds()) return 0;
        const bool stopped = this->has_stop();
        // The sentinel first: if it stands, every push came before, and an empty channel is final.
        const bool ended = this->sentinel_.load(std::memory_order_acquire);
        const auto lock = this->lock();
        if (const std::size_t taken = this->take_waiting(most, place, reader.taken_number)) return taken;
        // Of stolen items only those before a stop are to be read: there may be later ones.
        while ((may_steal || ended || stopped) && try_steal(reader, ended || stopped))
            if (const std::size_t taken = this->take_waiting(most, place, reader.taken_number)) return taken;
        const bool interrupted = this->interrupted_.load(std::memory_order_seq_cst);
        return ended || stopped || interrupted ? std::optional<std::size_t>(0) : std::nullopt;
    }

    /// As try_take(), but waits. `before_sleep()` is called before the first pause.
    /// Blocks: while the channel is empty; woken as said above.
    template <class Place, class BeforeSleep>
    std::size_t take(reader_state& reader, std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        auto timer = wait_timer::for_input(reader.own_counters());
        const auto look = [&](bool is_last) { return try_take(reader, most, place, is_last); };
        const auto idle = [&] {
            timer.begin();
            before_sleep();
            this->wake_producer();
            return this->free_slots();
        };
        // A producer again before the sleep: see return_slots_in_passing().
        const std::size_t taken =
            *reader.strategy.wait(this->not_empty_, true, look, idle, [this] { this->wake_producer(); });
        if (taken > few) this->not_empty_.come_often();
        return reader.strategy.brought(taken);
    }

    /// Does `what` while no other thread looks at a reader's items.
    template <class What>
    void alone(What what) {
        const auto lock = this->lock();
        what();
    }

    /// Gives back what `items` has from `first` on, for the siblings of its reader.
    /// Errors: `std::bad_alloc`; what has not been given back stays with the reader.
    void give_back(prefetched_items<T>& items, T* first) {
        {
            const auto lock = this->lock();
            this->put_back(items, first);
        }
        this->not_empty_.notify_all();
    }

    /// The reader's attention was asked for: waits until no thief is at work. If the reader's next item, `number`, is
    /// not to be read any more, calls `drop()` before another thief can come.
    /// Returns: whether the reader goes on.
    template <class Drop>
    bool settle(reader_state& reader, std::uint64_t number, Drop drop) {
        const auto lock = this->lock();
        reader.looks_up();
        if (!this->is_aborted() && !this->is_stopped_before(number)) {
            // The stop may be before a later one of the items that the reader has taken.
            if (this->has_stop()) reader.attention.store(true, std::memory_order_seq_cst);
            return true;
        }
        drop();
        return false;
    }

    /// Whether the item was given back and waits for another taker.
    bool is_given_back(std::uint64_t number) {
        const auto lock = this->lock();
        return this->given_back_.contains(number);
    }

    /// Whether an item before `number` was given back, or can be stolen from a sibling of `reader`.
    bool has_items_before(std::uint64_t number, const reader_state& reader) {
        const auto lock = this->lock();
        if (!this->given_back_.is_empty() && this->given_back_.first_number() < number) return true;
        for (reader_state* each = this->shared_.first(); each; each = this->shared_.next(*each)) {
            const auto& items = static_cast<const prefetched_items<T>&>(*each);
            if (&items == &reader || unbegun(items) <= 0) continue;
            const T* const next = items.begun.load(std::memory_order_relaxed);
            if (items.first_number + static_cast<std::uint64_t>(next - items.first) < number) return true;
        }
        return false;
    }

    /// A producer has pushed: wakes a reader, if one waits.
    PARALLELPIPE_INLINE void item_pushed() {
        if (!this->not_empty_.notify_one()) [[unlikely]]
            discard_items();  // the readers have left meanwhile
    }

    void discard() override {
        this->close();
        // After the sentinel no producer pushes any more.
        if (!this->sentinel_.load(std::memory_order_acquire)) this->not_empty_.retire();
        discard_items();
    }

private:
    sync::lock_guard<yielding_mutex> lock() { return sync::lock_guard(this->take_mutex_); }

    static std::ptrdiff_t unbegun(const prefetched_items<T>& items) {
        return items.last.load(std::memory_order_relaxed) - items.begun.load(std::memory_order_relaxed);
    }

    /// The same, and the reader begins none of those before it has had the lock. 0 where that cannot be known.
    static std::ptrdiff_t unbegun_for_certain(prefetched_items<T>& items) {
        // New items come only under the lock, so a look that finds nothing unbegun is final.
        if (unbegun(items) <= 0) return 0;
        items.attention.store(true, std::memory_order_seq_cst);
        return fence_every_thread() ? unbegun(items) : 0;
    }

    /// Fetches half of what a sibling of `thief` has taken and not begun; less if there is no memory for all of that.
    /// Returns: whether there was something.
    /// Errors: `std::bad_alloc` if there is no memory for one; all is then as it was.
    bool steal(const reader_state& thief) {
        for (reader_state* each = this->shared_.first(); each; each = this->shared_.next(*each)) {
            if (each == &thief) continue;
            auto& items = static_cast<prefetched_items<T>&>(*each);
            const std::ptrdiff_t left = unbegun_for_certain(items);
            if (left <= 0) continue;
            T* const last = items.last.load(std::memory_order_relaxed);
            try {
                this->put_back(items, last - (left + 1) / 2);
            } catch (const std::bad_alloc&) {
                if (items.last.load(std::memory_order_relaxed) == last) throw;
            }
            return true;
        }
        return false;
    }

    /// As steal(). Without memory a reader that will look again finds nothing. For a reader that takes nothing for the
    /// end (`is_last_look`) it is an error: the siblings may yet give their items back when it has left.
    bool try_steal(const reader_state& thief, bool is_last_look) {
        try {
            return steal(thief);
        } catch (const std::bad_alloc&) {
            if (is_last_look) throw;
            return false;
        }
    }

    /// Everything in the channel dies. A producer that learns that the readers have retired calls this after its
    /// push, for what it has pushed; see event_count::retire().
    PARALLELPIPE_RARE void discard_items() {
        while (discard_some()) {
        }
    }

    /// Takes some items out of the channel, and some that readers have taken and not begun. They die when the lock is
    /// free, as a destructor may take any lock, and wait.
    /// Returns: whether there were any.
    bool discard_some() {
        constexpr std::size_t most = std::clamp<std::size_t>(std::size_t{1024} / sizeof(T), 1, 16);
        struct dying {
            ~dying() { std::destroy_n(items.data(), count); }
            /// One whose move throws dies where it is.
            void take(T& item) noexcept {
                try {
                    std::construct_at(items.data() + count, std::move(item));
                    ++count;
                } catch (...) {
                }
                std::destroy_at(std::addressof(item));
            }
            raw_storage<T, most> items;
            std::size_t count = 0;
        } some;
        owning_ptr<given_back_item> first_given_back;
        bool any = false;
        const auto lock = this->lock();  // the last declared: free before the others die
        if (!this->given_back_.is_empty()) {
            first_given_back = this->given_back_.take_first();
            any = true;
        }
        for (reader_state* each = this->shared_.first(); each; each = this->shared_.next(*each)) {
            auto& items = static_cast<prefetched_items<T>&>(*each);
            for (auto left = unbegun_for_certain(items); left > 0 && some.count != most; --left) {
                T* const last = items.last.load(std::memory_order_relaxed) - 1;
                items.last.store(last, std::memory_order_relaxed);
                items.count(-1);
                some.take(*last);
                any = true;
            }
        }
        if (some.count == most) return true;
        const std::size_t taken =
            this->lanes_.take(chunk_size, most - some.count, [&](chunk& at, std::size_t count) {
                for (std::size_t i = 0; i != count; ++i) some.take(this->items_of(at)[at.taken + i]);
                at.taken += count;
                this->count_taken(count);
            });
        return any || taken != 0;
    }

    static constexpr std::size_t few = 3;  // so many at once do not show that items come often
};

}  // namespace parallelpipe::detail

#endif
