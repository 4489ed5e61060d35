// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_CHANNEL_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_CHANNEL_READER_HPP

#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/stop_wakeup.hpp>
#include <parallelpipe/detail/sync/asymmetric_fence.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// How many items a worker with siblings takes at once: one at first, more while what it took last
/// was worked off quickly, one again as soon as it was not. So what lies behind the item in its hand, and an
/// idle sibling could do, is about `worth` of work at most, and cheap items cost one look per bulk.
class look_ahead {
public:
    explicit look_ahead(std::size_t limit) noexcept : limit_(limit) {}

    /// How many to take now. Called when the last bulk has been worked off.
    std::size_t next(std::size_t taken_last) noexcept {
        if (taken_last == 0 || limit_ == 1) return size_;
        // The item in hand is not ahead: of n of them, n - 1 are.
        const auto last = static_cast<clock::rep>(taken_last);
        const auto each = (clock::now() - since_) / last;
        if ((last - 1) * each > worth)
            size_ = 1;
        else if ((2 * last - 1) * each <= worth && taken_last == size_)
            size_ = std::min(2 * size_, limit_);
        return size_;
    }

    /// Work on what was taken begins.
    void begin() noexcept {
        if (limit_ != 1) since_ = clock::now();
    }

private:
    using clock = sync::steady_clock;
    static constexpr std::chrono::microseconds worth{20};

    std::size_t limit_;
    std::size_t size_ = 1;
    clock::time_point since_{};
};

/// What one worker reads: items of a channel of T, taken in bulk, seen as items of In.
///
/// Slots: an item that was taken ahead still waits, so it keeps its slot until it comes into the
/// reader's hands. Slots are returned in strides, and all of them before the worker sleeps.
template <class T, class In>
class channel_reader : public item_reader<In>, private stop_wakeup_target {
public:
    channel_reader(Channel<T>& from, std::size_t readers)
        : channel_(from),
          consumer_(from, this->taken_, shared()),
          has_siblings_(readers > 1),
          look_ahead_(has_siblings_ && !(asymmetric_fences() && shared()) ? 1 : bulk_size) {
        this->has_rivals_ = has_siblings_;
    }

    void give_back() override {
        if constexpr (std::same_as<T, In>) {
            if (!has_siblings_) return;
            const bool keeps_one = this->hand_ == item_reader<In>::hand::seen;
            In* const kept = this->current_ + (keeps_one ? 1 : 0);
            consumer_.give_back(kept);
            // What was begun and is given back all the same needs its slot again.
            channel_.return_slots(kept - returned_);
            channel_.wake_producer();
            returned_ = kept;
            this->place(this->current_, keeps_one ? item_reader<In>::hand::seen : item_reader<In>::hand::empty, kept);
        }
    }

    std::uint64_t number_in_hand() const final {
        if (dropped_) return *dropped_ - 1;  // 0 - 1: none; who counts on from it comes to 0 again
        if (lost_one_) return consumer_.first_number();
        if (!this->taken_.first) return 0;
        return number(this->is_ready() ? this->current_ : this->current_ - 1);
    }

    bool has_taken() const final { return lost_one_ || this->taken_.first; }

    bool is_given_back(std::uint64_t item) final { return consumer_.is_given_back(item); }

    bool may_get_items_before(std::uint64_t item) final {
        return has_siblings_ && consumer_.has_items_before(item);
    }

    void read_by(sync::stop_token inner_stage) final {
        this->set_inner_stage(std::move(inner_stage));
    }

    void keep_slots() final { keeps_slots_ = true; }

protected:
    /// The reader wants no more: its items die, also the one in hand.
    void leave() noexcept {
        In* end = nullptr;
        consumer_.alone([&] { end = this->withdraw(); });
        this->destroy_to(end);
    }

    /// The stream has ended, by itself or by a stop.
    virtual void ended() {
        if (is_stopped() && !this->quiet_) throw stop_unwind{};
    }

    /// Fills the buffer, when all that was in it has been worked off.
    /// Returns: false at the end of the stream.
    virtual bool refill();

private:
    /// One if moving can throw, so that a throwing item takes no other along.
    static constexpr std::size_t bulk_size =
        std::is_nothrow_constructible_v<In, T&&> ? bulk_items<In> : 1;

    /// Whether the items ended because the run was stopped, the stage, or the guest that reads here.
    bool is_stopped() const noexcept {
        return channel_.is_aborted() || channel_.has_stop() || this->taken_.unwinds();
    }

    void wake_nested_reader() override { channel_.unwind(this->taken_); }

    std::uint64_t number(const In* item) const noexcept {
        return this->taken_.first_number + static_cast<std::uint64_t>(item - this->taken_.first);
    }

    static void construct(In* to, T&& item) noexcept(std::is_nothrow_constructible_v<In, T&&>) {
        std::construct_at(to, std::move(item));
    }

    /// Items that were converted cannot go back to siblings.
    prefetched_items<T>* shared() noexcept {
        if constexpr (std::same_as<T, In>)
            return &this->taken_;
        else
            return nullptr;
    }

    void checkpoint() override {
        if (this->hand_ == item_reader<In>::hand::at_end) return;
        In* end = nullptr;
        if (this->needs_attention() &&
            !consumer_.settle(number(this->current_), [&] { end = withdraw_items(); })) {
            this->destroy_to(end);
            // Siblings may have items in front of the stop, or have left some.
            if (channel_.is_aborted() || !refill()) ended();
            return;
        }
        if (this->current_ == this->last()) {
            // What was to be begun may have been stolen just before, with all up to the milestone.
            this->place_at_last();
            if (!refill()) ended();
            return;
        }
        if (!this->is_ready()) {
            this->begin_item();
            if (this->needs_attention()) [[unlikely]] {
                checkpoint();
                return;
            }
        }
        return_slots_of_begun();
        set_checkpoint();
    }

    /// Nobody is to read them any more.
    In* withdraw_items() noexcept {
        dropped_ = number(this->current_);
        return this->withdraw();
    }

    /// The next moment to return slots or to take more items.
    void set_checkpoint() noexcept {
        const std::ptrdiff_t stride = channel_.capacity() == 0
                                          ? static_cast<std::ptrdiff_t>(bulk_size)
                                          : channel_.return_stride();
        this->checkpoint_ = this->current_ + std::min(this->last() - this->current_, stride);
    }

    void return_slots(std::ptrdiff_t items) {
        if (!keeps_slots_) channel_.return_slots_in_passing(items);
    }

    void return_slots_of_begun() {
        return_slots(this->current_ + 1 - returned_);
        returned_ = this->current_ + 1;
    }

    Channel<T>& channel_;
    typename Channel<T>::Consumer consumer_;
    const bool has_siblings_;
    look_ahead look_ahead_;
    std::size_t last_taken_ = bulk_size;
    bool keeps_slots_ = false;
    std::optional<std::uint64_t> dropped_;  // the first item that a stop kept from being read
    bool lost_one_ = false;   // moving an item into the buffer threw
    In* returned_ = nullptr;  // the slots of all items before this one have been returned
    raw_storage<In, bulk_size> buffer_;
};

template <class T, class In>
bool channel_reader<T, In>::refill() {
    core_contention::here().work();
    // A short bulk means that this side is the faster one: without a moment's patience it would take
    // the items one by one, and both cores would wait for each other's cache lines.
    if (!has_siblings_ && last_taken_ < bulk_size / 4 && consumer_.may_yield_core()) {
        auto patient = wait_timer::for_input(this->taken_.own_counters());
        patient.begin();
        consumer_.yield_core();
    }
    const std::size_t most =
        has_siblings_ ? consumer_.fair_share(look_ahead_.next(last_taken_)) : bulk_size;

    std::ptrdiff_t owed = this->current_ - returned_;
    returned_ = this->current_;
    bool first = true;
    // Runs under the channel's lock, where siblings look at these pointers.
    const auto place = [&](In* to, In* end) {
        if (std::exchange(first, false)) {
            this->restart_at(to);
            this->taken_.first = to;
            this->taken_.first_number = consumer_.first_number();
            dropped_.reset();
            lost_one_ = false;
        }
        this->taken_.last.store(end, std::memory_order_relaxed);
    };
    this->taken_.unwind(false);
    stop_wakeup wakeup(*this);
    bool loses_one = false;
    const auto place_one = [&](T&& item) {
        In* const to = first ? buffer_.data() : this->last();
        loses_one = true;
        construct(to, std::move(item));
        loses_one = false;
        place(to, to + 1);
    };
    const auto place_some = [&](std::span<T> items) noexcept {
        In* const begin = first ? buffer_.data() : this->last();
        In* to = begin;
        for (T& item : items) construct(to++, std::move(item));
        place(begin, to);
    };
    const std::uint64_t end = number_in_hand() + 1;
    try {
        const auto before_sleep = [&] {
            return_slots(std::exchange(owed, 0));
            if (!keeps_slots_) wakeup.waits();
            if (this->listener_) this->listener_->pauses(end);
        };
        if constexpr (bulk_size == 1)
            last_taken_ = consumer_.take(most, place_one, before_sleep);
        else
            last_taken_ = consumer_.take(most, place_some, before_sleep);
    } catch (...) {
        return_slots(owed);
        if (!loses_one) throw;
        lost_one_ = true;
        if (this->listener_) this->listener_->loses(consumer_.first_number(), end);
        channel_.return_slots(1);  // also wakes; the item that could not be moved is lost, not its slot
        throw;
    }
    if (last_taken_ == 0) {
        return_slots(owed);
        if (this->listener_ && !is_stopped()) this->listener_->ends(end);
        return false;
    }
    this->taken_.count(static_cast<std::ptrdiff_t>(last_taken_));
    // The first one comes into hand at once.
    return_slots(owed + 1);
    returned_ = this->current_ + 1;
    set_checkpoint();
    if (this->listener_) this->listener_->begins(consumer_.first_number(), end);  // last: it may throw
    if (has_siblings_) look_ahead_.begin();
    return true;
}

}  // namespace parallelpipe::detail

#endif
