// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_KEYED_KEYED_READER_HPP
#define PARALLELPIPE_DETAIL_KEYED_KEYED_READER_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/ordered_reader.hpp>
#include <parallelpipe/detail/input/stop_wakeup.hpp>
#include <parallelpipe/detail/keyed/key_router.hpp>
#include <parallelpipe/detail/keyed/keyed_items.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// What one worker of a keyed stage reads.
template <class In>
class keyed_reader final : public item_reader<In>, public ordered_reader, private stop_wakeup_target {
    using hand = typename item_reader<In>::hand;

public:
    keyed_reader(key_router<In>& from, std::size_t worker)
        : from_(from), channel_(from.channel_), worker_(worker),
          most_(channel_.capacity() == 0
                    ? bulk_size
                    : std::min(bulk_size, static_cast<std::size_t>(channel_.return_stride()))) {
        channel_.add(this->prefetched_);
    }
    ~keyed_reader() override {
        channel_.remove(this->prefetched_);
        leave();
    }

    void read_by(sync::stop_token inner_stage) override {
        this->set_inner_stage(std::move(inner_stage));
    }

    void give_back() override {
        const bool keeps_one = this->hand_ == hand::seen;
        In* const kept = this->current_ + (keeps_one ? 1 : 0);
        channel_.return_slots(kept - returned_);
        this->prefetched_.count(kept - this->last());
        keyed_items<In> unbegun;
        std::exception_ptr no_memory;
        try {
            for (In* item = kept; item != this->last(); ++item) give_back(*item, unbegun);
        } catch (...) {
            no_memory = std::current_exception();
        }
        leave(unbegun);
        std::destroy(kept, this->last());
        this->prefetched_.last.store(kept, std::memory_order_relaxed);
        this->place(this->current_, keeps_one ? hand::seen : hand::empty, kept);
        returned_ = kept;
        if (no_memory) std::rethrow_exception(no_memory);
    }

    std::uint64_t number_in_hand() const override {
        if (has_dropped_) return end_ - 1;  // 0 - 1: none; one more is 0 again
        if (lost_) return *lost_;
        if (!this->current_) return 0;
        // The first of its items has been given back.
        if (!this->is_ready() && this->current_ == buffer_.data()) return end_ - 1;
        return number(this->is_ready() ? this->current_ : this->current_ - 1);
    }

    bool has_taken() const override { return lost_ || this->current_; }

    ordered_reader* ordered() noexcept override { return this; }

    /// Whether the item lies in the worker's queue: no other reader can take it.
    bool waits_for_this_reader(std::uint64_t number, bool /*is_nearest*/) override {
        return from_.is_in_queue(worker_, number);
    }
    bool may_get_items_before(std::uint64_t number) override {
        return from_.may_get_items_before(worker_, number);
    }

private:
    static constexpr std::size_t bulk_size =
        std::is_nothrow_move_constructible_v<In> ? bulk_items<In> : 1;

    std::uint64_t number(const In* item) const noexcept { return numbers_[item - buffer_.data()]; }

    void checkpoint() override {
        if (this->hand_ == hand::at_end) return;
        note_end();
        if (this->needs_attention()) {
            this->prefetched_.looks_up();
            // Once there is a stop, the reader looks up at every item.
            if (channel_.has_stop()) this->prefetched_.attention.store(true, std::memory_order_seq_cst);
            if (channel_.is_aborted() || (this->current_ != this->last() &&
                                          channel_.is_stopped_before(number(this->current_)))) {
                // A sibling that leaves may leave items before the stop.
                const bool goes_on = !channel_.is_aborted() &&
                                     from_.may_get_items_before(worker_, number(this->current_));
                has_dropped_ = !goes_on;
                this->destroy_items();
                if (!goes_on || !refill()) ended();
                return;
            }
        }
        if (this->current_ == this->last()) {
            if (!refill()) ended();
        } else if (!this->is_ready()) {
            this->begin_item();
            begin_run();
        }
    }

    void ended() {
        const bool stopped = channel_.is_aborted() || channel_.has_stop();
        if (!stopped && !this->prefetched_.unwinds() && listener_) listener_->ends(end_);
        if (stopped) leave();
        if ((stopped || this->prefetched_.unwinds()) && !this->quiet_) throw stop_unwind{};
    }

    void wake_nested_reader() override {
        this->prefetched_.unwind(true);
        from_.wake(worker_);
    }

    /// However the worker ends, the others learn that it has left, and get what it has not begun.
    void leave(keyed_items<In>& unbegun) {
        if (!std::exchange(has_left_, true)) from_.leave(worker_, unbegun);
    }
    void leave() {
        keyed_items<In> none;
        leave(none);
    }

    /// If the item cannot be moved, a failure takes its place.
    void give_back(In& item, keyed_items<In>& to) {
        try {
            to.push(number(&item), std::move(item));
        } catch (...) {
            to.push_failure(number(&item), std::current_exception());
        }
    }

    /// The worker asks for its next item.
    void note_end() noexcept {
        if (lost_)
            end_ = *std::exchange(lost_, std::nullopt) + 1;
        else if (this->current_ && this->current_ != buffer_.data())
            end_ = number(this->current_ - 1) + 1;
    }

    bool refill() {
        channel_.return_slots(this->current_ - returned_);
        returned_ = this->current_;
        if (listener_) listener_->pauses(end_);
        In* to = buffer_.data();
        const auto place = [&](std::uint64_t number, In&& item) {
            std::construct_at(to, std::move(item));
            numbers_[to - buffer_.data()] = number;
            if (to == buffer_.data())
                this->restart_at(to);
            else
                this->prefetched_.last.store(to + 1, std::memory_order_relaxed);
            ++to;
        };
        std::size_t taken = 0;
        this->prefetched_.unwind(false);
        stop_wakeup wakeup(*this);
        try {
            wakeup.waits();
            taken = from_.take(worker_, most_, this->prefetched_, place, lost_);
        } catch (...) {
            if (listener_ && lost_) listener_->loses(*lost_, end_);
            throw;
        }
        if (taken == 0) return false;
        this->prefetched_.count(static_cast<std::ptrdiff_t>(taken));
        channel_.return_slots(1);  // the first item comes into hand at once
        returned_ = this->current_ + 1;
        begin_run();
        return true;
    }

    /// The item in hand is the first of a run of consecutive numbers.
    void begin_run() {
        if (!listener_) {
            this->checkpoint_ = this->last();
            return;
        }
        In* const first = this->current_;
        In* next = first + 1;
        while (next != this->last() && number(next) == number(next - 1) + 1) ++next;
        this->checkpoint_ = next;
        // The last of all: it may throw.
        if (!listener_->begins(number(first), std::exchange(end_, number(first))) && !this->quiet_) throw stop_unwind{};
    }

    key_router<In>& from_;
    channel_base& channel_;
    const std::size_t worker_;
    const std::size_t most_;
    In* returned_ = nullptr;  // the slots of all items before this one have been returned
    // One past the last number that the worker is done with. A number that a sibling left is lower than some before it.
    std::uint64_t end_ = 0;
    bool has_left_ = false;
    bool has_dropped_ = false;  // a stop kept the rest from being read
    std::optional<std::uint64_t> lost_;  // the item that could not come
    raw_storage<In, bulk_size> buffer_;
    std::uint64_t numbers_[bulk_size] = {};
};

/// `partition_by(key)`.
template <class In, class Key>
class typed_key_router_maker final : public key_router_maker {
public:
    explicit typed_key_router_maker(Key key) : key_(std::move(key)) {}

    owning_ptr<key_router_base> begin(channel_base& from, owning_ptr<item_reader_base> reader,
                                std::size_t workers) const override {
        return owning_ptr<key_router_base>(new typed_key_router(from, std::move(reader), workers, key_));
    }

private:
    class typed_key_router final : public key_router<In> {
    public:
        typed_key_router(channel_base& from, owning_ptr<item_reader_base> reader, std::size_t workers,
                        const Key& key)
            : key_router<In>(from, std::move(reader), workers), key_(key) {}

    private:
        std::size_t hash(const In& item) override {
            using value = std::remove_cvref_t<std::invoke_result_t<Key&, const In&>>;
            // std::hash of a number may be the number: mixed, so that neighbours and multiples of the number of workers
            // are spread, too.
            std::uint64_t mixed = std::hash<value>()(std::invoke(key_, item));
            mixed = (mixed ^ mixed >> 32U) * 0x9e3779b97f4a7c15U;
            mixed = (mixed ^ mixed >> 29U) * 0xbf58476d1ce4e5b9U;
            return integer_cast<std::size_t>(mixed ^ mixed >> 32U);
        }

        Key key_;
    };

    const Key key_;
};

}  // namespace parallelpipe::detail

#endif
