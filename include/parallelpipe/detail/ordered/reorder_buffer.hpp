// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_REORDER_BUFFER_HPP
#define PARALLELPIPE_DETAIL_ORDERED_REORDER_BUFFER_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/ordered/parked_results.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <cstddef>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The results of an ordered stage that wait for earlier ones; sequencer.hpp tells how.
template <class T>
class reorder_buffer final : public sequencer {
public:
    class Output;

    reorder_buffer(Channel<T>& out, std::size_t workers)
        : sequencer(out, workers), channel_(out), producer_(out) {
        begin();
    }

private:
    struct parking_segment : segment {
        parked_results<T> parked;
    };
    static parked_results<T>& parked(segment& at) {
        return static_cast<parking_segment&>(at).parked;
    }

    owning_ptr<segment> make_segment() override { return owning_ptr<segment>(new parking_segment); }

    void pass_on(segment& first) override {
        parked(first).take_each(
            [this](T&& result) { return producer_.push_with_slot(std::move(result)); });
    }

    std::ptrdiff_t bury(segment& behind) noexcept override { return buried_.absorb(parked(behind)); }
    void let_die() override {
        parked_results<T> dying;
        this->alone([&] { dying.absorb(buried_); });
    }

    Channel<T>& channel_;
    parked_results<T> buried_;  // alone()
    // The head's worker uses it without lock, who moves the head under the lock; handed on by `head`. Not beside
    // what the others look at meanwhile.
    alignas(cache_line) typename Channel<T>::Producer producer_;
};

/// What one worker of an ordered stage writes to.
template <class T>
class reorder_buffer<T>::Output final : public sequencer::Position {
public:
    Output(reorder_buffer& order, std::size_t worker, item_reader_base* from, worker_counters* own_counters)
        : Position(order, worker, from), order_(order), own_counters_(own_counters) {}

    /// As Channel::Producer::push; blocks also while the result can neither leave nor be parked.
    [[nodiscard]] bool push(T&& result) {
        if (!this->at_) return false;
        if (own_counters_)
            own_counters_->out.store(own_counters_->out.load(std::memory_order_relaxed) + 1,
                                std::memory_order_relaxed);
        for (;;) {
            if (this->is_front()) {
                this->return_slots();
                return order_.producer_.push(std::move(result));
            }
            if (order_.channel_.is_closed()) return false;
            if (park(result)) return true;
            if (this->is_over()) return this->may_get_items_before_failure();  // this one just goes
            this->wait_to_pass_on_or_park();
        }
    }

private:
    bool park(T& result) {
        if (!this->has_slot()) return false;
        const sync::lock_guard lock(this->at_->parking);
        if (this->is_front() || order_.is_behind_failure(*this->at_)) return false;
        order_.parked(*this->at_).push(std::move(result));
        this->use_slot();
        return true;
    }

    reorder_buffer& order_;
    worker_counters* const own_counters_;
};

}  // namespace parallelpipe::detail

#endif
