// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_SEQUENCER_HPP
#define PARALLELPIPE_DETAIL_ORDERED_SEQUENCER_HPP

// Puts the results of a stage's workers into the order of its input. Here is the order itself, without
// the results; reorder_buffer.hpp holds these.
//
// Every yield belongs to a number: what a worker yields before its first item to the worker's, what it
// yields at an item to the item's, what it yields after the end of the items to the worker's behind all
// items. Workers take items in runs of consecutive numbers and work a run off in order, so order is kept
// per run, a `stretch`, and costs a lock per bulk of items, not per item.
//
// The stretch that begins at next_ is the head, one at a time: its worker passes results straight on, without
// a lock. The others park theirs. A parked result holds a slot of the output channel, so parked and
// waiting results together obey qsize; but a parked one never takes the last slots, so there are always
// some for the head, and the consumer gives them back as soon as it has taken the head's results. A worker takes
// a few slots at a time, and gives back what it has not used when it is the head or waits for items. When a
// stretch is complete, next_ moves to its end, and whoever moved it passes on what the next stretches
// have parked: they hold their slots already, so this never waits.
//
// Items without results need no slot, so slots do not bound how far the workers read ahead. A window does: no
// worker begins a stretch `window_` numbers or more after next_. A complete stretch without results joins the
// complete one before it: so an unlimited queue, which has no window, holds stretches for results alone.
//
// Waits, and what wakes them: the head's worker waits for room as any producer does. A worker that can
// neither pass on nor park, or that has come to a stretch after the window, sleeps on the channel's may_park_:
// woken by returned slots (all waiters, as only some can use them), by a change of next_, by a leaving worker,
// by a failure, by close() and abort(). A change of next_ or of the head is a store under mutex_ followed by
// the notification; event_count.hpp argues why it is not lost. A worker that waits for the window has its own
// stretch in the list, so advance() does not come to the end of the list without the notification.
//
// The head's worker never sleeps there: its numbers begin at next_. Each number from next_ on that was taken
// is in the hands of a worker that works on it, or on its way there, or has been given back by a worker that
// left, or lies in the box of a key's worker. The last two need one exception, as the workers that could take the
// number may all be waiting here: the lowest of them may go on beyond the window, and park beyond the bound,
// without a slot, until it comes to take the item. The same holds for a worker that alone can take the next
// number, because its key belongs to it.
//
// A number that a worker has come to is complete one day, memory or not: else all would wait for it. So each
// worker has a stretch in reserve, for when there is no memory for another; then it fails, but has its place.
//
// | datum            | written by                        | order                                     |
// |------------------|-----------------------------------|-------------------------------------------|
// | stretch::head    | whoever moves next_, under mutex_ | release; its worker's acquire look sees   |
// |                  |                                   | the producer as the last head left it     |
// | next_            | under mutex_                      | relaxed: a worker that waits for it looks |
// |                  |                                   | again after prepare()                     |
// | what is parked   | under the stretch's `parking`: by | who moves the head sets it under both, so |
// |                  | its worker and whoever moves next_| nothing is parked behind its back         |
// | fail_end_        | who fails, under mutex_, before   | relaxed: what is parked later, under the  |
// |                  | it drops what is parked, under    | same `parking`, is seen to be too late    |
// |                  | both                              |                                           |
// | everything else  | under mutex_                      |                                           |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Told once, by a worker of an ordered stage, when nothing can leave the stage any more: something has failed,
/// and what came before has left.
class order_listener {
public:
    order_listener() = default;
    order_listener(const order_listener&) = delete;
    order_listener& operator=(const order_listener&) = delete;
    virtual ~order_listener() = default;

    virtual void nothing_leaves() = 0;
};

/// The order of one stage in one run, its item type erased.
class sequencer {
public:
    sequencer(const sequencer&) = delete;
    sequencer& operator=(const sequencer&) = delete;
    virtual ~sequencer() {
        while (made_) delete std::exchange(made_, made_->next_made);
    }

    /// `worker` threw; it last had the item `number` in hand. What it yielded there still leaves the
    /// stage, nothing behind that does.
    /// Returns: whether the items behind are not needed any more: false if it had come to their end.
    bool fail(std::size_t worker, std::uint64_t number) {
        bool needs_no_more = true;
        change([&] {
            const segment* at = workers_[worker].at;
            end_before((at && !at->is_items() ? at->first : items + number) + 1);
            needs_no_more = !workers_[worker].done;
        });
        return needs_no_more;
    }

    /// `told` outlives the workers. Before they start.
    void listen(order_listener& told) noexcept { listener_ = &told; }

    /// `worker` has ended, however; it last had the item `number` in hand.
    /// Returns: why a result could not be passed on, to whoever leaves first behind that; else null. No
    /// result behind that one leaves the stage.
    [[nodiscard]] std::exception_ptr leave(std::size_t worker, std::uint64_t number) {
        std::exception_ptr error;
        change([&] {
            complete(worker, number + 1);
            end_items(worker);
            advance();
            out_.wake_parking();
            error = std::exchange(error_, nullptr);
        });
        return error;
    }

    /// No reader of the results is left: what is parked dies, and nothing leaves the stage any more.
    void discard() {
        alone([this] { end_before(0); });
        let_die();
    }

    class Position;

protected:
    // What a worker yields before its first item has the worker's number, what it yields at an item
    // the item's behind these, what it yields after the end of the items the highest.
    static constexpr std::uint64_t items = std::uint64_t{1} << 32;
    static constexpr std::uint64_t after_items = std::uint64_t{1} << 62;
    static constexpr std::uint64_t no_failure = std::numeric_limits<std::uint64_t>::max();

    struct alignas(cache_line) segment {
        virtual ~segment() = default;

        std::uint64_t first = 0;
        std::uint64_t end = 0;  // once complete: one past its last number
        bool complete = false;
        bool had_parked = false;  // written by its worker, under parking
        sync::atomic<bool> front{false};
        yielding_mutex parking;          // of what is parked; taken after mutex_, where both are held
        std::ptrdiff_t overfill = 0;  // under parking: how many of the parked results hold no slot
        segment* previous = nullptr;
        segment* next = nullptr;
        segment* next_made = nullptr;  // for the end

        bool is_items() const noexcept { return first >= items && first < after_items; }
    };

    sequencer(channel_slots& out, std::size_t workers)
        : out_(out),
          worker_count_(workers),
          window_(window(out.capacity(), workers)),
          workers_(workers),
          at_items_(workers) {}

    /// To be called once, when all the rest is made.
    void begin() {
        // All are there from the start: no worker's first words are overtaken by a faster one's.
        for (std::size_t i = 0; i < worker_count_; ++i) {
            workers_[i].at = insert(make(), i);
            workers_[i].reserve = &make();
        }
        advance();
    }

    /// A new stretch, with nothing parked.
    virtual owning_ptr<segment> make_segment() = 0;
    /// Passes on what was parked. Under mutex_ and parking. Errors: what moving a result throws, which is
    /// lost then, `std::bad_alloc`; those behind it stay parked.
    virtual void pass_on(segment& first) = 0;
    /// What was parked will never leave. Under mutex_ and parking. Returns: how many results that were.
    virtual std::ptrdiff_t bury(segment& behind) noexcept = 0;
    /// Destroys what was buried. Without a lock: a destructor may take any, and wait.
    virtual void let_die() = 0;

    template <class What>
    void alone(What what) {
        const sync::lock_guard lock(mutex_);
        what();
    }

    /// What is behind never leaves.
    std::uint64_t fail_end() const noexcept { return fail_end_.load(std::memory_order_relaxed); }
    bool has_failed() const noexcept { return fail_end() != no_failure; }
    bool is_behind_failure(const segment& at) const noexcept { return at.first >= fail_end(); }

    channel_slots& out_;

private:
    struct alignas(cache_line) worker_state {
        segment* at = nullptr;       // null while it waits for an item
        segment* reserve = nullptr;  // null where it was needed
        bool done = false;           // it takes no items any more
    };

    /// How many numbers from the earliest open one on may be begun. One result an item, which parks, comes to
    /// the bound of the queue long before; and with a tiny queue each worker can still work off as many items as
    /// it takes at a time. Without a bound of the queue there is none here.
    static constexpr std::uint64_t window(std::uint64_t capacity, std::uint64_t workers) noexcept {
        constexpr std::uint64_t unlimited = after_items;
        if (capacity == 0 || capacity > unlimited / 4) return unlimited;
        return std::max(4 * capacity, bulk_items<char> * workers);
    }

    /// Does `what` under mutex_, and then tells if nothing can leave any more: what is told may take any lock.
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

    /// Errors: `std::bad_alloc`.
    segment& make() {
        segment* const made = make_segment().release();
        made->next_made = std::exchange(made_, made);
        return *made;
    }
    /// A stretch that nobody has; null if there is no memory for one.
    segment* unused() noexcept {
        if (spare_) return std::exchange(spare_, spare_->next);
        try {
            return &make();
        } catch (...) {
            return nullptr;
        }
    }

    /// The worker goes on at `first`, if need be in its reserve.
    /// Returns: whether there was memory. Who has been told that there was none, caught it and comes again may
    /// have no reserve any more: then nothing from `first` on leaves the stage.
    bool go_on(std::size_t worker, std::uint64_t first) {
        worker_state& mine = workers_[worker];
        if (!mine.reserve) mine.reserve = unused();
        segment* const found = unused();
        if (segment* const at = found ? found : std::exchange(mine.reserve, nullptr)) {
            mine.at = insert(*at, first);
        } else {
            if (!error_) error_ = std::make_exception_ptr(std::bad_alloc());
            end_before(first);
        }
        return found;
    }

    segment* insert(segment& at, std::uint64_t first) noexcept {
        at.first = first;
        at.complete = at.had_parked = false;
        at.front.store(false, std::memory_order_relaxed);
        // New numbers are nearly always the highest.
        segment* before = last_;
        while (before && before->first > first) before = before->previous;
        at.previous = before;
        at.next = before ? before->next : first_;
        (at.next ? at.next->previous : last_) = &at;
        (before ? before->next : first_) = &at;
        return &at;
    }

    void remove(segment& gone) noexcept {
        (gone.next ? gone.next->previous : last_) = gone.previous;
        (gone.previous ? gone.previous->next : first_) = gone.next;
        gone.next = std::exchange(spare_, &gone);
    }

    /// If both are complete, and `next` begins where `at` ends and has had no results, it becomes a part of `at`.
    void join(segment* at, segment* next) noexcept {
        if (!at || !next || !at->complete || !next->complete) return;
        if (next->had_parked || next->first != at->end) return;
        at->end = std::max(at->end, next->end);
        remove(*next);
    }

    /// The worker is done with its stretch; `end` is one past the last item that it began.
    void complete(std::size_t worker, std::uint64_t end) {
        segment* const at = std::exchange(workers_[worker].at, nullptr);
        if (!at) return;
        // What was dropped because of a stop has not begun; then the stretch may be empty.
        const std::uint64_t done = at->is_items() ? std::max(items + end, at->first) : at->first + 1;
        at->end = std::min(done, fail_end());
        at->complete = true;
        // advance() removes the head at once. Relaxed: `head` is written under mutex_.
        if (at->front.load(std::memory_order_relaxed)) return;
        join(at, at->next);
        join(at->previous, at);
    }

    /// The worker takes no items any more.
    void end_items(std::size_t worker) noexcept {
        if (!std::exchange(workers_[worker].done, true)) --at_items_;
    }

    /// Nothing from `number` on leaves the stage.
    void end_before(std::uint64_t number) {
        fail_end_.store(std::min(fail_end(), number), std::memory_order_relaxed);
        for (segment* behind = first_; behind; behind = behind->next) {
            if (!is_behind_failure(*behind)) continue;
            const sync::lock_guard parked(behind->parking);
            out_.return_slots(bury(*behind) - std::exchange(behind->overfill, 0));
        }
        has_buried_ = true;
        out_.wake_parking();
    }

    /// Moves next_ as far as everything is complete, and passes on what was parked.
    void advance() {
        while (first_ && next() < fail_end()) {
            if (front_ && !front_->complete) return;  // it passes on by itself, and no other meanwhile
            front_ = nullptr;
            segment& first = *first_;
            if (next() == worker_count_) set_next(items);
            // No worker takes items any more: a number that was given back has no taker, and a worker that has left
            // has no last words. After a failure results that come after such an item stay: it has none, as the one
            // that failed; and its key may have failed, which is told to the worker that takes the item.
            if (at_items_ == 0 && next() >= items && first.first > next()) {
                if (first.is_items() && has_failed()) {
                    end_before(next());
                    return;
                }
                set_next(first.first);
            }
            // It lies before next_ if its item was left by somebody and taken when that could not be expected any
            // more: by a worker that had seen the end and looks again; or behind one that found no memory.
            if (first.first > next()) {
                out_.wake_parking();  // who alone can take that number may be waiting to park
                return;
            }
            try {
                const sync::lock_guard parked(first.parking);
                out_.return_slots(-std::exchange(first.overfill, 0));
                pass_on(first);
                if (!first.complete) {
                    front_ = &first;
                    first.front.store(true, std::memory_order_release);
                }
            } catch (...) {
                // Its worker may be far away, and this one may be in a function that must not throw.
                if (!error_) error_ = std::current_exception();
                end_before(next());
                return;
            }
            if (!first.complete) {
                out_.wake_parking();
                return;
            }
            set_next(std::max(next(), first.end));
            remove(first);
        }
    }

    /// Everything before has been passed on.
    std::uint64_t next() const noexcept { return next_.load(std::memory_order_relaxed); }
    void set_next(std::uint64_t number) noexcept { next_.store(number, std::memory_order_relaxed); }

    /// No worker is to begin a stretch from this number on.
    std::uint64_t end_of_window() const noexcept { return std::max(next(), items) + window_; }

    const std::size_t worker_count_;
    const std::uint64_t window_;
    const owning_ptr<worker_state[]> workers_;
    order_listener* listener_ = nullptr;
    segment* made_ = nullptr;  // all there are, linked by next_made

    // What each bulk of items changes lies in one cache line.
    alignas(cache_line) yielding_mutex mutex_;
    // Open stretches, and complete ones behind an open one, by first number.
    segment* first_ = nullptr;
    segment* last_ = nullptr;
    segment* front_ = nullptr;   // the one whose worker passes its results on; nearly always the first
    segment* spare_ = nullptr;  // linked by next
    std::size_t at_items_;      // how many workers may take items
    sync::atomic<std::uint64_t> next_{0};
    std::exception_ptr error_;  // a result could not be passed on; for whoever leaves next
    bool has_told_ = false;     // that nothing can leave
    bool has_buried_ = false;   // results that are to die after the lock
    // Written under mutex_. Relaxed: who parks looks at it under `parking`, which who failed takes later. That is
    // at each result, so it lies apart.
    alignas(cache_line) sync::atomic<std::uint64_t> fail_end_{no_failure};
};

/// Where one worker of an ordered stage is, as its feed tells.
/// Threads: the worker's own. Who reads the worker's items in another one learns that this does not go.
class sequencer::Position : public item_listener {
public:
    Position(const Position&) = delete;
    Position& operator=(const Position&) = delete;

protected:
    Position(sequencer& order, std::size_t worker, item_reader_base* from)
        : at_(order.workers_[worker].at), order_(order), worker_(worker), from_(from) {
        if (from_) from_->listen(this);
    }
    ~Position() override {
        return_slots();
        if (from_) from_->listen(nullptr);
    }

    bool is_front() const noexcept { return at_->front.load(std::memory_order_acquire); }

    /// Whether no result of this worker can leave any more.
    bool is_over() const {
        return order_.out_.is_closed() || order_.is_behind_failure(*at_);
    }

    /// Whether this worker may still get items in front of the one that another worker failed at: that a sibling
    /// leaves to it.
    bool may_get_items_before_failure() {
        const std::uint64_t end = order_.fail_end();
        return from_ && !order_.out_.is_closed() && end > items && end < after_items &&
               from_->may_get_items_before(end - 1 - items);
    }

    /// Whether there is a slot for one more parked result, or none is needed for this one.
    bool has_slot() {
        if (slots_ == 0) slots_ = order_.out_.try_take_slots_to_park();
        const bool may_overfill = std::exchange(may_overfill_, false);
        return slots_ != 0 || may_overfill;
    }
    /// That result has been parked. Under the stretch's `parking`.
    void use_slot() noexcept {
        at_->had_parked = true;
        if (slots_ != 0)
            --slots_;
        else
            ++at_->overfill;
    }
    /// Those that are left.
    void return_slots() {
        if (slots_ != 0) order_.out_.return_slots(std::exchange(slots_, 0));
        may_overfill_ = false;
    }

    void wait_to_pass_on_or_park() {
        order_.out_.wait_to_park(
            wait_strategy_, [this] { return is_front() || order_.out_.has_slot_to_park() || is_over(); },
            [this] { return may_overfill_ = is_next_for_this_one(); });
    }

    segment* at_;  // null: the worker was unwound where it waited, or has no place

private:
    /// Whether the next number is waiting for a taker, and that can only be this worker, or no other
    /// is nearer to it.
    bool is_next_for_this_one() {
        std::uint64_t next = 0;
        bool is_lowest = true;
        {
            const sync::lock_guard lock(order_.mutex_);
            for (const segment* other = order_.first_; other && other != at_; other = other->next)
                is_lowest = is_lowest && other->complete;
            next = order_.next();
        }
        if (!from_ || next < items) return false;
        return (is_lowest && from_->is_given_back(next - items)) ||
               from_->waits_for_this_reader(next - items);
    }

    /// Which results belong to which items can be told only where one thread takes the ones and yields the others.
    void check_thread() const {
        if (sync::this_thread::get_id() != thread_)
            throw std::logic_error(
                "parallelpipe: a worker of an ordered stage with several workers has to read its Input in its own "
                "thread; a pipeline that it runs over its Input, and a batch with a time limit, read it in another "
                "one: give the stage one worker, or leave out its order");
    }

    void begins(std::uint64_t first, std::uint64_t end) override {
        check_thread();
        if (!come_to(first, end)) throw std::bad_alloc();
        if (is_after_window()) [[unlikely]]
            wait_for_window();
    }
    void loses(std::uint64_t number, std::uint64_t end) override { come_to(number, end); }

    bool is_after_window() const noexcept { return at_->first >= order_.end_of_window(); }

    PARALLELPIPE_RARE void wait_for_window() {
        return_slots();
        order_.out_.wait_to_park(
            wait_strategy_, [this] { return !is_after_window() || is_over(); },
            [this] { return is_next_for_this_one(); });
        // Nothing needs the item any more: the worker leaves, as it would have at its next one.
        if (order_.out_.is_closed() && !from_->ends_quietly()) throw stop_unwind{};
    }

    /// Returns: whether there was memory.
    bool come_to(std::uint64_t first, std::uint64_t end) {
        bool had_memory = false;
        order_.change([&] {
            order_.complete(worker_, end);
            had_memory = order_.go_on(worker_, items + first);
            at_ = order_.workers_[worker_].at;
            order_.advance();
        });
        return had_memory;
    }

    void pauses(std::uint64_t end) override {
        check_thread();
        return_slots();
        order_.change([&] {
            if (has_last_words()) return;
            order_.complete(worker_, end);
            at_ = nullptr;
            order_.advance();
        });
    }

    void ends(std::uint64_t end) override {
        check_thread();
        order_.change([&] {
            if (has_last_words()) return;
            order_.complete(worker_, end);
            order_.end_items(worker_);
            order_.go_on(worker_, after_items + worker_);
            at_ = order_.workers_[worker_].at;
            order_.advance();
        });
    }

    /// Whether the worker has seen the end of the items, and no item since. It may look again.
    bool has_last_words() const { return order_.workers_[worker_].done && at_ && !at_->is_items(); }

    sequencer& order_;
    const std::size_t worker_;
    item_reader_base* const from_;
    const sync::thread::id thread_ = sync::this_thread::get_id();
    wait_strategy wait_strategy_;
    std::ptrdiff_t slots_ = 0;   // taken for what this worker will park
    bool may_overfill_ = false;  // with the next result, as was found where nothing was left but sleep
};

}  // namespace parallelpipe::detail

#endif
