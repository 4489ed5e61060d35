#ifndef PARALLELPIPE_DETAIL_REORDER_BUFFER_HPP
#define PARALLELPIPE_DETAIL_REORDER_BUFFER_HPP

// Puts the results of a stage's workers into the order of its input.
//
// Every yield belongs to a number: what a worker yields before its first item to the worker's, what it
// yields at an item to the item's, what it yields after the end of the items to the worker's behind all
// items. Workers take items in runs of consecutive numbers and work a run off in order, so order is kept
// per run, a `stretch`, and costs a lock per bulk of items, not per item.
//
// The stretch that begins at next_ is the head: its worker passes results straight on, without a
// lock. The others park theirs. A parked result holds a slot of the output channel, so parked and
// waiting results together obey qsize; but a parked one never takes the last slot, so there is always
// one for the head, and the consumer gives it back as soon as it has taken the head's result. When a
// stretch is complete, next_ moves to its end, and whoever moved it passes on what the next stretches
// have parked: they hold their slots already, so this never waits.
//
// Waits, and who wakes them: a worker that can neither pass on nor park sleeps on the channel's
// not_full_: woken by returned slots (all waiters, as only some can use them), by a change of the head,
// by a leaving worker, by close() and abort(). A change of the head is a store to `head` under
// mutex_ followed by the notification; event_count.hpp argues why it is not lost.
//
// One exception keeps the line moving: if the next number has been given back by a worker that left
// and nobody has taken it yet, the workers that could take it may all be waiting here. Then the lowest
// of them may park beyond the bound, without a slot, until it comes to take the item.
//
// | datum            | written by                        | order                                     |
// |------------------|-----------------------------------|-------------------------------------------|
// | stretch::head    | whoever moves next_, under mutex_ | release; its worker's acquire look sees   |
// |                  |                                   | the producer as the last head left it     |
// | producer_        | the head's worker without lock,   | handed on by `head`                       |
// |                  | who moves next_ under mutex_      |                                           |
// | everything else  | under mutex_                      |                                           |

#include <parallelpipe/channel.hpp>
#include <parallelpipe/input.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// The order of one stage in one run, its item type erased.
class order_base {
public:
    virtual ~order_base() = default;

    /// `worker` threw; it last had the item `number` in hand. Nothing behind that leaves the stage.
    virtual void fail(std::size_t worker, std::uint64_t number) = 0;
    /// `worker` has ended, however; it last had the item `number` in hand.
    virtual void leave(std::size_t worker, std::uint64_t number) = 0;
};

template <class T>
class reorder_buffer final : public order_base {
    struct stretch {
        std::uint64_t first = 0;
        std::uint64_t end = 0;  // once complete: one past its last number
        bool complete = false;
        std::atomic<bool> head{false};
        std::deque<T> parked;
        std::ptrdiff_t overfill = 0;  // how many of them hold no slot
    };
    using stretches = std::map<std::uint64_t, stretch>;  // by first number

public:
    class Output;

    reorder_buffer(Channel<T>& out, std::size_t workers)
        : out_(out), producer_(out), current_(workers), done_(workers), at_items_(workers) {
        out_.keep_order();
        // All are there from the start: no worker's first words are overtaken by a faster one's.
        for (std::size_t i = 0; i < workers; ++i) current_[i] = open(i);
        advance();
    }

    void fail(std::size_t worker, std::uint64_t number) override {
        const std::lock_guard lock(mutex_);
        const stretch* at = current_[worker];
        fail_at_ = std::min(fail_at_, at && !is_items(*at) ? at->first : items + number);
        for (auto it = stretches_.upper_bound(fail_at_); it != stretches_.end(); ++it) {
            out_.return_room(static_cast<std::ptrdiff_t>(it->second.parked.size()) -
                             std::exchange(it->second.overfill, 0));
            it->second.parked.clear();
        }
        out_.wake_producers();
    }

    void leave(std::size_t worker, std::uint64_t number) override {
        const std::lock_guard lock(mutex_);
        complete(worker, number + 1);
        if (!done_[worker]) end_items(worker);
        complete(worker, 0);
        advance();
        out_.wake_producers();
    }

private:
    // What a worker yields before its first item has the worker's number, what it yields at an item
    // the item's behind these, what it yields after the end of the items the highest.
    static constexpr std::uint64_t items = std::uint64_t{1} << 32;
    static constexpr std::uint64_t after_items = std::uint64_t{1} << 62;

    static bool is_items(const stretch& at) noexcept {
        return at.first >= items && at.first < after_items;
    }

    stretch* open(std::uint64_t first) {
        if (spare_.empty()) spare_.push_back(stretches_.extract(stretches_.try_emplace(first).first));
        auto node = std::move(spare_.back());
        spare_.pop_back();
        node.key() = first;
        stretch& at = stretches_.insert(std::move(node)).position->second;
        at.first = first;
        at.complete = false;
        at.head.store(false, std::memory_order_relaxed);
        return &at;
    }

    /// The worker is done with its stretch; `end` is one past the last item that it began.
    void complete(std::size_t worker, std::uint64_t end) {
        stretch* const at = std::exchange(current_[worker], nullptr);
        if (!at) return;
        at->end = std::min(is_items(*at) ? items + end : at->first + 1, fail_at_);
        at->complete = true;
    }

    void end_items(std::size_t worker) {
        done_[worker] = true;
        --at_items_;
        current_[worker] = open(after_items + worker);
    }

    /// Moves next_ as far as everything is complete, and passes on what was parked.
    void advance() {
        while (!stretches_.empty() && next_ < fail_at_) {
            stretch& first = stretches_.begin()->second;
            if (next_ == current_.size()) next_ = items;
            // Nobody takes items any more; what was given back has no taker.
            if (at_items_ == 0 && next_ < after_items && first.first >= after_items)
                next_ = after_items;
            if (first.first != next_ ||
                (first.head.load(std::memory_order_relaxed) && !first.complete))
                return;
            out_.return_room(-std::exchange(first.overfill, 0));
            for (T& result : first.parked)
                if (!producer_.push_with_slot(std::move(result))) break;
            first.parked.clear();
            if (!first.complete) {
                first.head.store(true, std::memory_order_release);
                out_.wake_producers();
                return;
            }
            next_ = first.end;
            spare_.push_back(stretches_.extract(stretches_.begin()));
        }
    }

    Channel<T>& out_;
    typename Channel<T>::Producer producer_;
    std::mutex mutex_;
    stretches stretches_;  // open ones, and complete ones behind an open one
    std::vector<typename stretches::node_type> spare_;
    std::vector<stretch*> current_;  // each worker's; null while it waits for an item
    std::vector<bool> done_;         // the worker takes no items any more
    std::size_t at_items_;           // how many workers may
    std::uint64_t next_ = 0;         // everything before has been passed on
    std::uint64_t fail_at_ = std::numeric_limits<std::uint64_t>::max();
};

/// What one worker of an ordered stage writes to, and tells where it is.
template <class T>
class reorder_buffer<T>::Output final : public item_listener {
public:
    Output(reorder_buffer& order, std::size_t worker, feed_base* from)
        : order_(order), worker_(worker), from_(from), at_(order.current_[worker]) {
        if (from_) from_->listen(this);
    }
    ~Output() override {
        if (from_) from_->listen(nullptr);
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// As Channel::Producer::push; blocks also while the result can neither leave nor be parked.
    [[nodiscard]] bool push(T&& result) {
        if (!at_) return false;  // the worker was unwound where it waited for an item
        for (;;) {
            if (at_->head.load(std::memory_order_acquire))
                return order_.producer_.push(std::move(result));
            if (order_.out_.is_closed() || is_behind_failure()) return false;
            if (park(result)) return true;
            order_.out_.wait_for_room([this] {
                return at_->head.load(std::memory_order_acquire) || order_.out_.has_slot_but_last() ||
                       is_behind_failure() || may_overfill();
            });
        }
    }

private:
    void begins(std::uint64_t first, std::uint64_t end) override {
        const std::lock_guard lock(order_.mutex_);
        order_.complete(worker_, end);
        at_ = order_.current_[worker_] = order_.open(items + first);
        order_.advance();
    }

    void pauses(std::uint64_t end) override {
        const std::lock_guard lock(order_.mutex_);
        order_.complete(worker_, end);
        at_ = nullptr;
        order_.advance();
    }

    void ends(std::uint64_t end) override {
        const std::lock_guard lock(order_.mutex_);
        if (order_.done_[worker_]) return;
        order_.complete(worker_, end);
        order_.end_items(worker_);
        at_ = order_.current_[worker_];
        order_.advance();
    }

    bool park(T& result) {
        const bool has_slot = order_.out_.try_take_slot_but_last();
        if (!has_slot && !may_overfill()) return false;
        const std::lock_guard lock(order_.mutex_);
        if (at_->head.load(std::memory_order_relaxed) || at_->first > order_.fail_at_) {
            if (has_slot) order_.out_.return_room(1);
            return false;
        }
        if (!has_slot) ++at_->overfill;
        at_->parked.push_back(std::move(result));
        return true;
    }

    bool is_behind_failure() {
        const std::lock_guard lock(order_.mutex_);
        return at_->first > order_.fail_at_;
    }

    /// Whether the next number is waiting for a taker and no worker is nearer to it than this one.
    bool may_overfill() {
        std::uint64_t next = 0;
        {
            const std::lock_guard lock(order_.mutex_);
            for (const auto& [first, other] : order_.stretches_)
                if (!other.complete && first < at_->first) return false;
            next = order_.next_;
        }
        return from_ && next >= items && from_->is_given_back(next - items);
    }

    reorder_buffer& order_;
    const std::size_t worker_;
    feed_base* const from_;
    stretch* at_;
};

}  // namespace parallelpipe::detail

#endif
