// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_KEYED_KEY_ROUTER_HPP
#define PARALLELPIPE_DETAIL_KEYED_KEY_ROUTER_HPP

// Items that belong to a worker by their key.
//
// The stage has one reader of its channel. A worker with nothing to do leads: it reads for all, moves each item into
// the queue of the worker that the item's key belongs to, and goes on until there is an item of its own. One
// worker leads at a time; the others sleep. An item in a queue still waits, so it keeps its slot in the channel
// until it comes into its worker's hands: queues and channel together obey qsize.
//
// The keys of a worker that has left belong to the next one, its successor, with what lies in its queue and what it
// had not begun. So the items have ended for a worker only when they have for all of them: until then a sibling
// may leave it some. Where all have left, one of them may drain the channel: all keys are its own then.
// Before a failing item of an ordered stage the items end in the same way, only earlier.
//
// Waits, and what wakes them:
// * the leader waits in the channel, as channel.hpp says, and is interrupted by a worker that leaves;
// * the others wait for an item in their queue or for the lead: woken by the leader, when it moves an item into the
//   queue, when it gives up the lead (one worker, so that there is a leader while any waits), and at the end or a
//   stop, if the leader sees that first; and by a worker that leaves its items to them;
// * any worker is woken by wake(), which interrupts a leader;
// * at the end of the channel the workers wait for each other: woken by the last one that gets there or leaves. A
//   worker that never starts does neither;
// * all of them are woken by stop(), which the run calls after it has aborted the channel.
// Everything is under mutex_, except what the leader does with the reader and with the key.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/keyed/keyed_items.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The queues of one stage in one run, its item type erased.
/// Threads: any.
class key_router_base {
public:
    virtual ~key_router_base() = default;
    /// What `worker` reads. Once for each.
    virtual owning_ptr<item_reader_base> open(std::size_t worker) = 0;
    /// The channel has been aborted: no worker gets items any more, and all that wait for some wake.
    virtual void stop() = 0;
    /// All workers have left: what lies in the queues dies.
    virtual void discard() = 0;
};

/// What `partition_by` leaves in a stage.
class key_router_maker {
public:
    virtual ~key_router_maker() = default;
    /// The router of a run. `from` is the channel that `reader` reads.
    virtual owning_ptr<key_router_base> begin(channel_base& from, owning_ptr<item_reader_base> reader,
                                              std::size_t workers) const = 0;
};

template <class In>
class keyed_reader;

template <class In>
class key_router : public key_router_base {
public:
    key_router(channel_base& from, owning_ptr<item_reader_base> reader, std::size_t workers)
        : channel_(from), reader_(std::move(reader)), queues_(workers) {
        reader_->keep_slots();
    }

    owning_ptr<item_reader_base> open(std::size_t worker) override {
        return owning_ptr<item_reader_base>(new keyed_reader<In>(*this, worker));
    }

    void stop() override {
        const sync::lock_guard lock(mutex_);
        has_stopped_ = true;
        hand_on();
    }

    void discard() override {
        keyed_items<In> dying;  // without the lock
        const sync::lock_guard lock(mutex_);
        for (key_queue& each : queues_) dying.absorb(each.items);
    }

protected:
    /// Of the item's key. Equal keys have equal hashes.
    virtual std::size_t hash(const In& item) = 0;

private:
    friend class keyed_reader<In>;

    struct key_queue {
        keyed_items<In> items;
        sync::condition_variable wake;
        bool waits = false;
        bool is_at_end = false;  // it asked for items after the end of the channel
        bool is_past = false;    // what it has in hand comes after a failing item
        bool has_left = false;
    };

    static constexpr std::size_t most = bulk_items<In>;

    /// Waits for items of `worker`, whose reader is `reader`; `receive(number, In&&)` gets up to `most_items` of them.
    /// Returns: how many; 0 at the end, at a stop and if the reader `unwinds`.
    /// Errors: what the key throws, or moving an item, which is lost; `lost` is its number then.
    template <class Receive>
    std::size_t take(std::size_t worker, std::size_t most_items, const reader_state& reader, Receive receive,
                     std::optional<std::uint64_t>& lost) {
        auto timer = wait_timer::for_input(reader.own_counters());
        sync::unique_lock lock(mutex_);
        key_queue& mine = queues_[worker];
        if (mine.has_left) take_over(worker);
        struct handing_on {
            key_router& self;
            ~handing_on() { self.hand_on(); }
        } const at_the_end{*this};
        for (;;) {
            if (channel_.is_aborted()) {
                has_stopped_ = true;
                return 0;
            }
            const std::size_t taken = take_from(mine, most_items, receive, lost);
            mine.is_at_end = taken == 0 && has_ended_;
            mine.is_past = false;
            if (taken != 0 || has_stopped_ || (has_ended_ && is_over())) return taken;
            if (reader.unwinds()) {
                mine.is_at_end = false;
                return 0;
            }
            timer.begin();
            if (!has_leader_ && !has_ended_) {
                lead(lock, mine, lost);
                continue;
            }
            mine.waits = true;
            mine.wake.wait(lock);
            mine.waits = false;
        }
    }

    /// `worker` looks again whether its reader unwinds.
    void wake(std::size_t worker) {
        const sync::lock_guard lock(mutex_);
        queues_[worker].wake.notify_one();
        if (has_leader_) channel_.interrupt();  // the leader may be this worker
    }

    /// Under mutex_: what the queue has.
    template <class Receive>
    std::size_t take_from(key_queue& mine, std::size_t most_items, Receive& receive,
                          std::optional<std::uint64_t>& lost) {
        std::size_t taken = 0;
        while (taken < most_items && has_item(mine)) {
            const std::uint64_t number = mine.items.first_number();
            if (mine.items.fails_first()) {
                if (taken != 0) break;
                lost = number;
                channel_.return_slots(1);
                std::rethrow_exception(mine.items.take_failure());
            }
            try {
                mine.items.take_item(receive);
            } catch (...) {
                lost = number;
                channel_.return_slots(1);
                throw;
            }
            ++taken;
        }
        return taken;
    }

    /// Reads items once and moves them into their queues. Where an item cannot be moved on, a failure takes its place
    /// and keeps its slot: where all fail, the bound holds, too. An item whose key throws is the leader's.
    /// Errors: such a failure if there is no memory to keep it; `lost` is its number then. Later items stay with the
    /// reader.
    void lead(sync::unique_lock<sync::mutex>& lock, key_queue& mine, std::optional<std::uint64_t>& lost) {
        has_leader_ = true;
        lock.unlock();
        std::size_t targets[most];
        In* items = nullptr;
        std::size_t count = 0;
        std::size_t routed = 0;
        std::uint64_t first_number = 0;
        std::exception_ptr error;
        bool stopped = false;
        try {
            const std::span<In> bulk = channel_items().bulk(most);
            items = bulk.data();
            count = bulk.size();
            first_number = reader_->number_in_hand();
            for (const In& item : bulk) {
                targets[routed] = hash(item) % queues_.size();
                ++routed;
            }
        } catch (const stop_unwind&) {
            stopped = true;
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        has_leader_ = false;
        if (error && count == 0) {
            channel_.return_slots(-1);  // the reader has returned it
            keep_failure(mine, reader_->number_in_hand(), error, lost);
            return;
        }
        struct skipping {
            item_reader<In>& reader;
            std::size_t count = 0;
            ~skipping() { reader.skip(count); }
        } done{channel_items()};
        for (std::size_t i = 0; i < routed; ++i) {
            key_queue& to = queues_[successor(targets[i])];
            done.count = i + 1;
            try {
                to.items.push(first_number + i, std::move(items[i]));
            } catch (...) {
                keep_failure(to, first_number + i, std::current_exception(), lost);
            }
            to.wake.notify_one();
        }
        if (error) {
            done.count = routed + 1;
            keep_failure(mine, first_number + routed, error, lost);
            return;
        }
        if (stopped && channel_.is_aborted())
            has_stopped_ = true;
        else if (count == 0 && !channel_.end_interruption())
            has_ended_ = true;
        if (has_ended_ || has_stopped_) hand_on();
    }

    /// Under mutex_: the item `number` failed. Errors: the failure itself, if there is no memory to keep it.
    void keep_failure(key_queue& to, std::uint64_t number, const std::exception_ptr& error,
                      std::optional<std::uint64_t>& lost) {
        try {
            to.items.push_failure(number, error);
        } catch (const std::bad_alloc&) {
            lost = number;
            channel_.return_slots(1);
            std::rethrow_exception(error);
        }
    }

    /// Under mutex_: whether no worker gets items any more.
    bool is_over() const {
        return std::all_of(queues_.begin(), queues_.end(), [this](const key_queue& other) {
            return other.has_left || (other.is_at_end && !has_item(other));
        });
    }
    /// Whether there is an item in the queue that is still to be read.
    bool has_item(const key_queue& some) const {
        return !some.items.is_empty() && !channel_.is_stopped_before(some.items.first_number());
    }

    item_reader<In>& channel_items() noexcept { return static_cast<item_reader<In>&>(*reader_); }

    /// Under mutex_: wakes all that wait, if they have to know of the end or a stop; else one, if there is no leader.
    void hand_on() {
        const bool all = has_ended_ || has_stopped_;
        if (has_leader_ && !all) return;
        for (key_queue& other : queues_) {
            if (!other.waits) continue;
            other.wake.notify_one();
            if (!all) return;
        }
    }

    /// The worker itself, or the one that has its keys now.
    std::size_t successor(std::size_t worker) const {
        std::size_t at = worker;
        while (queues_[at].has_left) {
            at = (at + 1) % queues_.size();
            if (at == worker) break;  // none is left: the one that drains has all keys
        }
        return at == worker && queues_[at].has_left ? last_ : at;
    }

    /// The worker reads no more; it leaves `unbegun` to its successor.
    void leave(std::size_t worker, keyed_items<In>& unbegun) {
        const sync::lock_guard lock(mutex_);
        queues_[worker].has_left = true;
        last_ = worker;
        key_queue& to = queues_[successor(worker)];
        to.items.absorb(unbegun);
        transfer(queues_[worker], to);
        to.wake.notify_one();
        if (has_leader_) channel_.interrupt();  // the leader may be the successor
        hand_on();
    }

    /// Under mutex_: a worker that has left drains the channel, as all have left. All keys are those of the one that left
    /// last, which need not be the same worker.
    void take_over(std::size_t worker) {
        if (const std::size_t from = std::exchange(last_, worker); from != worker)
            transfer(queues_[from], queues_[worker]);
    }

    static void transfer(key_queue& from, key_queue& to) {
        if (&from != &to) to.items.absorb(from.items);
    }

    /// Whether the item, or a failure in its place, lies in the worker's queue.
    bool is_in_queue(std::size_t worker, std::uint64_t number) {
        const sync::lock_guard lock(mutex_);
        return queues_[worker].items.has(number);
    }

    /// The worker has an item after `number` in hand. Returns: whether an item before `number` can still come: one waits,
    /// or a sibling that is not past `number` itself may leave some.
    bool may_get_items_before(std::size_t worker, std::uint64_t number) {
        const sync::lock_guard lock(mutex_);
        queues_[worker].is_past = true;
        return std::any_of(queues_.begin(), queues_.end(), [&](const key_queue& each) {
            if (each.has_left) return false;
            const bool is_waiting = has_item(each) && each.items.first_number() < number;
            return is_waiting || !(each.is_past || each.is_at_end);
        });
    }

    channel_base& channel_;
    const owning_ptr<item_reader_base> reader_;  // the leader's
    sync::mutex mutex_;
    std::vector<key_queue> queues_;
    std::size_t last_ = 0;  // the worker that left last, or that drains
    bool has_leader_ = false;
    bool has_ended_ = false;
    bool has_stopped_ = false;
};

}  // namespace parallelpipe::detail

#endif
