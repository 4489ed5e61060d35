// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_ORDER_POSITION_HPP
#define PARALLELPIPE_DETAIL_ORDERED_ORDER_POSITION_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/ordered_reader.hpp>
#include <parallelpipe/detail/ordered/segments.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Where one worker of an ordered stage is, as its reader tells; and its slots for results that it will park.
/// Threads: the worker's own. A reader that is used in another thread learns that it cannot be.
class order_position : private item_listener {
public:
    order_position(const order_position&) = delete;
    order_position& operator=(const order_position&) = delete;

protected:
    order_position(sequencer& order, std::size_t worker, item_reader_base* from)
        : at_(order.first_segment(worker)), order_(order), worker_(worker), from_(from ? from->ordered() : nullptr) {
        if (from_) from_->listen(this);
    }
    ~order_position() override {
        return_slots();
        if (from_) from_->listen(nullptr);
    }

    bool is_front() const noexcept { return at_->front.load(std::memory_order_acquire); }

    /// Whether no result of this worker can leave any more.
    bool is_over() const { return order_.is_over(*at_); }

    bool may_get_items_before_failure() { return order_.may_get_items_before_failure(from_); }

    /// Whether the next result may be parked: there is a slot for it, or it needs none.
    bool may_park() {
        if (parking_slots_ == 0) parking_slots_ = order_.slots().try_take();
        const bool may_overfill = std::exchange(may_overfill_, false);
        return parking_slots_ != 0 || may_overfill;
    }
    /// That result has been parked. Under the segment's `parking`.
    void has_parked() noexcept {
        at_->had_parked = true;
        if (parking_slots_ != 0)
            --parking_slots_;
        else
            ++at_->overfill;
    }
    /// Those that are left.
    void return_slots() {
        if (parking_slots_ != 0) order_.slots().give_back(std::exchange(parking_slots_, 0));
        may_overfill_ = false;
    }

    void wait_to_pass_on_or_park() {
        order_.slots().wait(
            wait_strategy_, [this] { return is_front() || order_.slots().has_one() || is_over(); },
            [this] { return may_overfill_ = order_.is_next_for(from_, *at_); });
    }

    segment* at_;  // null: the worker was unwound where it waited, or has no place

private:
    /// Which results belong to which items is known only where one thread takes the items and yields the results.
    void check_thread() const {
        if (sync::this_thread::get_id() != thread_)
            throw std::logic_error(
                "parallelpipe: a worker of an ordered stage with several workers must read its Input in its own "
                "thread; a pipeline that it runs over its Input, and a batch with a time limit, read it in another "
                "thread: give the stage one worker, or leave out its order");
    }

    bool begins(std::uint64_t first, std::uint64_t end) override {
        check_thread();
        bool had_memory = false;
        at_ = order_.go_to(worker_, first, end, had_memory);
        if (!had_memory) throw std::bad_alloc();
        return !order_.is_after_window(*at_) || wait_for_window();
    }
    void loses(std::uint64_t number, std::uint64_t end) override {
        bool had_memory = false;
        at_ = order_.go_to(worker_, number, end, had_memory);
    }

    /// Returns: false if the item is not needed any more: the worker leaves, as it would have at its next one.
    PARALLELPIPE_RARE bool wait_for_window() {
        return_slots();
        order_.slots().wait(
            wait_strategy_, [this] { return !order_.is_after_window(*at_) || is_over(); },
            [this] { return order_.is_next_for(from_, *at_); });
        return !order_.slots().is_closed();
    }

    void pauses(std::uint64_t end) override {
        check_thread();
        return_slots();
        at_ = order_.pause(worker_, end);
    }

    void ends(std::uint64_t end) override {
        check_thread();
        at_ = order_.end_items(worker_, end);
    }

    sequencer& order_;
    const std::size_t worker_;
    ordered_reader* const from_;  // null: its items have no numbers
    const sync::thread::id thread_ = sync::this_thread::get_id();
    wait_strategy wait_strategy_;
    std::ptrdiff_t parking_slots_ = 0;  // taken for what this worker will park
    bool may_overfill_ = false;         // with the next result, as was found where nothing was left but sleep
};

}  // namespace parallelpipe::detail

#endif
