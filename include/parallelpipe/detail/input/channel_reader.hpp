// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_CHANNEL_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_CHANNEL_READER_HPP

#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/look_ahead.hpp>
#include <parallelpipe/detail/input/ordered_reader.hpp>
#include <parallelpipe/detail/input/stop_wakeup.hpp>
#include <parallelpipe/detail/sync/asymmetric_fence.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// What one worker reads: items of a channel of T, taken in bulk, seen as items of In.
///
/// Slots: an item that was taken ahead still waits, so it keeps its slot until it comes into the
/// reader's hands. Slots are returned in strides, and all of them before the worker sleeps.
template <class T, class In>
class channel_reader : public item_reader<In>, public ordered_reader, private stop_wakeup_target {
    using hand = typename item_reader<In>::hand;

public:
    channel_reader(item_channel<T>& from, std::size_t readers)
        : channel_(from),
          has_siblings_(readers > 1),
          look_ahead_(has_siblings_ && !(asymmetric_fences() && can_share) ? 1 : bulk_size) {
        this->has_rivals_ = has_siblings_;
        channel_.add(this->prefetched_);
        if constexpr (can_share) channel_.share(this->prefetched_);
    }
    ~channel_reader() override { channel_.remove(this->prefetched_); }

    void give_back() override {
        if constexpr (can_share) {
            if (!has_siblings_) return;
            const bool keeps_one = this->hand_ == hand::seen;
            In* const kept = this->current_ + (keeps_one ? 1 : 0);
            channel_.give_back(this->prefetched_, kept);
            // An item that was begun and is given back all the same needs its slot again.
            channel_.return_slots(kept - returned_);
            channel_.wake_producer();
            returned_ = kept;
            this->place(this->current_, keeps_one ? hand::seen : hand::empty, kept);
        }
    }

    std::uint64_t number_in_hand() const final {
        if (dropped_) return *dropped_ - 1;  // 0 - 1: none; one more is 0 again
        if (lost_one_) return this->prefetched_.taken_number;
        if (!this->prefetched_.first) return 0;
        return number(this->is_ready() ? this->current_ : this->current_ - 1);
    }

    bool has_taken() const final { return lost_one_ || this->prefetched_.first; }

    ordered_reader* ordered() noexcept final { return this; }

    bool waits_for_this_reader(std::uint64_t number, bool is_nearest) final {
        return is_nearest && channel_.is_given_back(number);
    }
    bool may_get_items_before(std::uint64_t number) final {
        return has_siblings_ && channel_.has_items_before(number, this->prefetched_);
    }

    void read_by(sync::stop_token inner_stage) final {
        this->set_inner_stage(std::move(inner_stage));
    }

    void keep_slots() final { keeps_slots_ = true; }

protected:
    /// The worker wants no more: its items die, also the one in hand.
    void leave() noexcept {
        In* end = nullptr;
        channel_.alone([&] { end = this->withdraw(); });
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
    /// One if moving can throw, so that an item that throws takes no other along.
    static constexpr std::size_t bulk_size =
        std::is_nothrow_constructible_v<In, T&&> ? bulk_items<In> : 1;
    /// Items that were converted cannot go back to siblings.
    static constexpr bool can_share = std::same_as<T, In>;

    /// Whether the items ended because the run was stopped, the stage, or the nested reader that reads here.
    bool is_stopped() const noexcept {
        return channel_.is_aborted() || channel_.has_stop() || this->prefetched_.unwinds();
    }

    void wake_nested_reader() override { channel_.unwind(this->prefetched_); }

    std::uint64_t number(const In* item) const noexcept {
        return this->prefetched_.first_number + static_cast<std::uint64_t>(item - this->prefetched_.first);
    }

    static void construct(In* to, T&& item) noexcept(std::is_nothrow_constructible_v<In, T&&>) {
        std::construct_at(to, std::move(item));
    }

    void checkpoint() override {
        if (this->hand_ == hand::at_end) return;
        In* end = nullptr;
        if (this->needs_attention() &&
            !channel_.settle(this->prefetched_, number(this->current_), [&] { end = withdraw_items(); })) {
            this->destroy_to(end);
            // Siblings may have items before the stop, or have left some.
            if (channel_.is_aborted() || !refill()) ended();
            return;
        }
        if (this->current_ == this->last()) {
            // A thief may have taken the next item just now, with all up to the checkpoint.
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

    /// None of the items is to be read any more.
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

    item_channel<T>& channel_;
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
    // A short bulk means that this side is the faster one: if it did not yield, it would take the items one by one, and
    // both cores would wait for each other's cache lines. No yield where to wait means to sleep, or where other programs
    // keep the core.
    wait_strategy& strategy = this->prefetched_.strategy;
    if (!has_siblings_ && last_taken_ < bulk_size / 4 && !strategy.spinning_is_futile() &&
        !core_contention::here().avoid_yield()) {
        auto timer = wait_timer::for_input(this->prefetched_.own_counters());
        timer.begin();
        strategy.yield_core();
    }
    const std::size_t most =
        has_siblings_ ? channel_.fair_share(look_ahead_.next(last_taken_)) : bulk_size;

    std::ptrdiff_t owed = this->current_ - returned_;
    returned_ = this->current_;
    bool first = true;
    // Under the channel's lock, where siblings look at these pointers.
    const auto place = [&](In* to, In* end) {
        if (std::exchange(first, false)) {
            this->restart_at(to);
            this->prefetched_.first = to;
            this->prefetched_.first_number = this->prefetched_.taken_number;
            dropped_.reset();
            lost_one_ = false;
        }
        this->prefetched_.last.store(end, std::memory_order_relaxed);
    };
    this->prefetched_.unwind(false);
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
            if (listener_) listener_->pauses(end);
        };
        if constexpr (bulk_size == 1)
            last_taken_ = channel_.take(this->prefetched_, most, place_one, before_sleep);
        else
            last_taken_ = channel_.take(this->prefetched_, most, place_some, before_sleep);
    } catch (...) {
        return_slots(owed);
        if (!loses_one) throw;
        lost_one_ = true;
        if (listener_) listener_->loses(this->prefetched_.taken_number, end);
        channel_.return_slots(1);  // wakes a producer, too; the item that could not be moved is lost, not its slot
        throw;
    }
    if (last_taken_ == 0) {
        return_slots(owed);
        if (listener_ && !is_stopped()) listener_->ends(end);
        return false;
    }
    this->prefetched_.count(static_cast<std::ptrdiff_t>(last_taken_));
    // The first item comes into hand at once.
    return_slots(owed + 1);
    returned_ = this->current_ + 1;
    set_checkpoint();
    // The last of all: it may throw.
    if (listener_ && !listener_->begins(this->prefetched_.taken_number, end) && !this->quiet_) throw stop_unwind{};
    if (has_siblings_) look_ahead_.begin();
    return true;
}

}  // namespace parallelpipe::detail

#endif
