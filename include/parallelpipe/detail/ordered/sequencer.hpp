// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_SEQUENCER_HPP
#define PARALLELPIPE_DETAIL_ORDERED_SEQUENCER_HPP

// Puts the results of a stage's workers into the order of its input. Here is the order itself, without
// the results; reorder_buffer.hpp holds these, and order_position.hpp is one worker's place in the order.
//
// Every result belongs to a number, which segments.hpp gives it: nearly always that of an item. Workers take
// consecutive numbers and work them off in order, so order is kept per run of numbers, a `segment`, and costs a
// lock per bulk of items, not per item.
//
// The segment that begins at next_ is the front, one at a time: its worker passes results straight on, without
// a lock. The other workers park theirs. A parked result holds a slot of the output channel, so parked and
// waiting results together obey qsize. A parked result never takes the last slots, so there are always some
// for the front, and the reader returns them as soon as it has taken the front's results. A worker takes a few
// slots at a time, and returns those it has not used when it is the front or waits for items. When a segment is
// complete, next_ moves to its end, and the worker that moved next_ passes on what the next segments have
// parked: these results hold their slots already, so this never waits.
//
// Items without results need no slot, so slots do not bound how far the workers read ahead. A window does: no
// worker begins a segment `window_` numbers or more after next_. A complete segment without results joins the
// complete one before it: so an unlimited channel, which has no window, holds segments for results alone.
//
// Waits, and what wakes them: the front's worker waits for slots as any producer does. A worker that can
// neither pass on nor park, or that has come to a segment after the window, sleeps in parking_slots: woken by
// returned slots (all that wait, as only some can use them), by a change of next_, by a worker that leaves, by a
// failure, by close() and abort() of the output channel. A change of next_ or of the front is a store under
// mutex_ followed by the notification; event_count.hpp argues why it is not lost. A worker that waits for the
// window has its own segment in the list, so advance() does not come to the end of the list without the
// notification.
//
// The front's worker never sleeps there: its numbers begin at next_. Each number from next_ on that was taken
// is in the hands of a worker that works on it, or on its way there, or has been given back by a worker that
// left, or lies in the queue of a key's worker. The last two need one exception, as the workers that could take
// the number may all wait here: the lowest of them may go on beyond the window, and park beyond the bound,
// without a slot, until it comes to take the item. The same holds for a worker that alone can take the next
// number, because its key belongs to it. ordered_reader::waits_for_this_reader() answers for both.
//
// A number that a worker has come to is complete one day, with or without memory: else all would wait for it. So
// each worker has a segment in reserve for when there is no memory for another: then it fails, but has its place.
//
// | datum           | written by                         | order                                     |
// |-----------------|------------------------------------|-------------------------------------------|
// | segment::front  | the worker that moves next_, under | release; the acquire look of the          |
// |                 | mutex_                             | segment's worker sees the producer as the |
// |                 |                                    | last front left it                        |
// | next_           | under mutex_                       | relaxed: a worker that waits for it looks |
// |                 |                                    | again after prepare()                     |
// | what is parked  | under the segment's `parking`, by  | the worker that moves next_ sets `front`  |
// |                 | its worker and by the worker that  | under both locks, so nothing is parked    |
// |                 | moves next_                        | unseen after that                         |
// | fail_end_       | a worker that fails, under mutex_, | relaxed: what is parked later, under the  |
// |                 | before it drops what is parked,    | same `parking`, is seen to be too late    |
// |                 | under both locks                   |                                           |
// | everything else | under mutex_                       |                                           |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/ordered/parking_slots.hpp>
#include <parallelpipe/detail/ordered/segments.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Told once, by a worker of an ordered stage, when nothing can leave the stage any more: something has failed,
/// and what came before has left.
class order_listener {
public:
    virtual ~order_listener() = default;

    virtual void nothing_leaves() = 0;
};

/// The order of one stage in one run, its item type erased.
/// Threads: any, unless a member says otherwise.
class sequencer : private worker_segments {
public:
    // ---- the run's ----

    /// `told` outlives the workers. Before they start.
    void listen(order_listener& told) noexcept { listener_ = &told; }

    /// `worker` threw; it last had the item `number` in hand. What it yielded there still leaves the
    /// stage, nothing after that does.
    /// Returns: whether later items are not needed any more: false if the worker had come to their end.
    bool fail(std::size_t worker, std::uint64_t number) {
        bool needs_no_more = true;
        change([&] {
            const segment* here = at(worker);
            end_before((here && !here->is_items() ? here->first : item_numbers + number) + 1);
            needs_no_more = !is_done(worker);
        });
        return needs_no_more;
    }

    /// `worker` has ended, however; it last had the item `number` in hand.
    /// Returns: the error of passing a result on, once, to the next worker that leaves; else null. No result after
    ///   that one leaves the stage.
    [[nodiscard]] std::exception_ptr leave(std::size_t worker, std::uint64_t number) {
        std::exception_ptr error;
        change([&] {
            complete(worker, number + 1);
            takes_no_more(worker);
            advance();
            slots_.wake_waiting();
            error = std::exchange(error_, nullptr);
        });
        return error;
    }

    /// No reader of the results is left: what is parked dies, and nothing leaves the stage any more.
    void discard() {
        alone([this] { end_before(0); });
        let_die();
    }

    // ---- a worker's, for order_position ----

    /// The first segment of a worker that starts.
    segment* first_segment(std::size_t worker) const noexcept { return at(worker); }

    /// `worker` has done the items before `end`, and goes on at the item `first`.
    /// Returns: where it is then; null if there was not even a reserve. `had_memory`: whether this is not its reserve.
    segment* go_to(std::size_t worker, std::uint64_t first, std::uint64_t end, bool& had_memory) {
        return change([&] {
            complete(worker, end);
            had_memory = go_on_or_end(worker, item_numbers + first);
        }, worker);
    }

    /// `worker` has done the items before `end`, and waits for its next one. Changes nothing for a worker that has seen
    /// the end of the items and looks again. Returns: where it is then.
    segment* pause(std::size_t worker, std::uint64_t end) {
        return change([&] {
            if (!is_after_items(worker)) complete(worker, end);
        }, worker);
    }

    /// The same, and the worker has seen the end of the items.
    segment* end_items(std::size_t worker, std::uint64_t end) {
        return change([&] {
            if (is_after_items(worker)) return;
            complete(worker, end);
            takes_no_more(worker);
            go_on_or_end(worker, last_numbers + worker);
        }, worker);
    }

    bool is_after_window(const segment& at) const noexcept {
        return at.first >= std::max(next(), item_numbers) + window_;
    }
    bool is_after_failure(const segment& at) const noexcept { return at.first >= fail_end(); }
    /// Whether no result at `at` can leave any more.
    bool is_over(const segment& at) const noexcept { return slots_.is_closed() || is_after_failure(at); }

    /// Whether the next number is that of an item which waits for `reader`, whose worker is at `at`.
    bool is_next_for(ordered_reader* reader, const segment& at) {
        std::uint64_t number = 0;
        bool is_nearest = false;
        alone([&] {
            is_nearest = is_lowest(&at);
            number = next();
        });
        return reader && number >= item_numbers &&
               reader->waits_for_this_reader(number - item_numbers, is_nearest);
    }

    /// Whether `reader` may still get items before the one that another worker failed at: a sibling may leave some.
    bool may_get_items_before_failure(ordered_reader* reader) const {
        const std::uint64_t end = fail_end();
        return reader && !slots_.is_closed() && end > item_numbers && end < last_numbers &&
               reader->may_get_items_before(end - 1 - item_numbers);
    }

    parking_slots& slots() noexcept { return slots_; }

protected:
    sequencer(channel_slots& out, std::size_t workers)
        : worker_segments(workers),
          worker_count_(workers),
          window_(window(out.capacity(), workers)),
          slots_(out) {}

    /// To be called once, when all the rest is made.
    void begin() {
        // All are there from the start: no faster worker overtakes what a worker yields before its first item.
        for (std::size_t i = 0; i < worker_count_; ++i) start(i);
        advance();
    }

    /// Passes on what was parked; buries what is left if the channel is closed. Under mutex_ and parking. Returns: false
    /// if results are buried that this worker is to destroy, by let_die(). Errors: what moving a result throws, which is
    /// lost then, `std::bad_alloc`; later results stay parked.
    virtual bool pass_on(segment& first) = 0;
    /// What was parked will never leave. Under mutex_ and parking. Returns: how many results there were.
    virtual std::ptrdiff_t bury(segment& at) noexcept = 0;
    /// Destroys what was buried. Without a lock: a destructor may take any lock, and wait.
    virtual void let_die() = 0;

    template <class What>
    void alone(What what) {
        const sync::lock_guard lock(mutex_);
        what();
    }

private:
    static constexpr std::uint64_t no_failure = std::numeric_limits<std::uint64_t>::max();

    /// How many numbers from the earliest open one on may be begun. One result an item, which parks, comes to
    /// the bound of the channel long before; and with a tiny queue each worker can still work off as many items as
    /// it takes at a time. An unlimited channel has no window.
    static constexpr std::uint64_t window(std::uint64_t capacity, std::uint64_t workers) noexcept {
        constexpr std::uint64_t unlimited = last_numbers;
        if (capacity == 0 || capacity > unlimited / 4) return unlimited;
        return std::max(4 * capacity, bulk_items<char> * workers);
    }

    /// Does `what` under mutex_, and then tells if nothing can leave any more: the listener may take any lock.
    template <class What>
    void change(What what) {
        bool is_over = false;
        bool has_buried = false;
        {
            const sync::lock_guard lock(mutex_);
            what();
            is_over = next() >= fail_end() && !std::exchange(has_told_, true);
            has_buried = std::exchange(has_buried_, false);
        }
        if (has_buried) let_die();
        if (is_over && listener_) listener_->nothing_leaves();
    }
    /// The same, and advances. Returns: where `worker` is then.
    template <class What>
    segment* change(What what, std::size_t worker) {
        change([&] {
            what();
            advance();
        });
        return at(worker);
    }

    void complete(std::size_t worker, std::uint64_t end) noexcept {
        worker_segments::complete(worker, end, fail_end());
    }

    /// As go_on(). Where the worker gets no place, nothing from `first` on leaves.
    bool go_on_or_end(std::size_t worker, std::uint64_t first) {
        const bool had_memory = go_on(worker, first);
        if (!at(worker)) {
            if (!error_) error_ = std::make_exception_ptr(std::bad_alloc());
            end_before(first);
        }
        return had_memory;
    }

    /// Nothing from `number` on leaves the stage.
    void end_before(std::uint64_t number) {
        fail_end_.store(std::min(fail_end(), number), std::memory_order_relaxed);
        for (segment* at = list_.first(); at; at = at->next) {
            if (!is_after_failure(*at)) continue;
            const sync::lock_guard parked(at->parking);
            slots_.give_back(bury(*at) - std::exchange(at->overfill, 0));
        }
        has_buried_ = true;
        slots_.wake_waiting();
    }

    /// Moves next_ as far as everything is complete, and passes on what was parked.
    void advance() {
        while (list_.first() && next() < fail_end()) {
            if (front_ && !front_->complete) return;  // it passes on by itself, and no other meanwhile
            front_ = nullptr;
            segment& first = *list_.first();
            if (next() == worker_count_) set_next(item_numbers);
            // No worker takes items any more: no worker takes a number that was given back, and a worker that has left
            // yields nothing after the items. After a failure the results after such a number stay: the item that
            // failed has none; and its key may have failed, which the worker that takes the item is told.
            if (are_all_done() && next() >= item_numbers && first.first > next()) {
                if (first.is_items() && fail_end() != no_failure) {
                    end_before(next());
                    return;
                }
                set_next(first.first);
            }
            // The first segment lies before next_ if its item was given back, and taken when next_ had passed it: by a
            // worker that had seen the end and looks again, or after a segment for which there was no memory.
            if (first.first > next()) {
                slots_.wake_waiting();  // the only worker that can take that number may wait to park
                return;
            }
            try {
                const sync::lock_guard parked(first.parking);
                slots_.give_back(-std::exchange(first.overfill, 0));
                if (!pass_on(first)) has_buried_ = true;
                if (!first.complete) {
                    front_ = &first;
                    first.front.store(true, std::memory_order_release);
                }
            } catch (...) {
                // The worker of the result may be elsewhere, and this one in a function that must not throw.
                if (!error_) error_ = std::current_exception();
                end_before(next());
                return;
            }
            if (!first.complete) {
                slots_.wake_waiting();
                return;
            }
            set_next(std::max(next(), first.end));
            list_.remove(first);
        }
    }

    /// Everything before has been passed on.
    std::uint64_t next() const noexcept { return next_.load(std::memory_order_relaxed); }
    void set_next(std::uint64_t number) noexcept { next_.store(number, std::memory_order_relaxed); }

    /// Nothing from this number on leaves.
    std::uint64_t fail_end() const noexcept { return fail_end_.load(std::memory_order_relaxed); }

    // What each bulk of items changes lies in one cache line, with the end of worker_segments.
    yielding_mutex mutex_;
    sync::atomic<std::uint64_t> next_{0};
    segment* front_ = nullptr;  // the one whose worker passes its results on; nearly always the first
    std::exception_ptr error_;  // of passing a result on; for the next worker that leaves
    bool has_told_ = false;     // that nothing can leave
    bool has_buried_ = false;   // results that are to die after the lock
    const std::size_t worker_count_;
    const std::uint64_t window_;
    order_listener* listener_ = nullptr;
    parking_slots slots_;
    // Relaxed: a worker that parks looks at it under `parking`, which a worker that fails takes later. That is at each
    // result, so it lies apart.
    alignas(cache_line) sync::atomic<std::uint64_t> fail_end_{no_failure};
};

}  // namespace parallelpipe::detail

#endif
