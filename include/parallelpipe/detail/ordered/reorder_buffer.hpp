// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_REORDER_BUFFER_HPP
#define PARALLELPIPE_DETAIL_ORDERED_REORDER_BUFFER_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/channel/channel_producer.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/ordered/order_position.hpp>
#include <parallelpipe/detail/ordered/parked_results.hpp>
#include <parallelpipe/detail/ordered/segments.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <cstddef>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The results of an ordered stage that wait for earlier ones; sequencer.hpp says how.
template <class T>
class reorder_buffer final : public sequencer {
public:
    reorder_buffer(item_channel<T>& out, std::size_t workers)
        : sequencer(out, workers), channel_(out), producer_(out) {
        begin();
    }

    /// What one worker of the stage writes to.
    class output;

private:
    struct parking_segment : segment {
        parked_results<T> parked;
    };
    static parked_results<T>& parked(segment& at) {
        return static_cast<parking_segment&>(at).parked;
    }

    owning_ptr<segment> make_segment() override { return owning_ptr<segment>(new parking_segment); }

    bool pass_on(segment& first) override {
        if (parked(first).take_each([this](T&& result) { return producer_.push_with_slot(std::move(result)); }))
            return true;
        bury(first);
        // An aborted channel: the last reader, or the thread that cancels, discards what is buried, as it does what lies
        // in the channel. A destructor may wait for that thread, which waits for this one.
        return channel_.is_aborted();
    }

    std::ptrdiff_t bury(segment& at) noexcept override { return buried_.absorb(parked(at)); }
    void let_die() override {
        parked_results<T> dying;
        this->alone([&] { dying.absorb(buried_); });
    }

    const item_channel<T>& channel_;
    parked_results<T> buried_;  // alone()
    // The front's worker uses it without a lock, a worker that moves the front under the lock; `front` hands it on.
    // Apart from what the other workers look at meanwhile.
    alignas(cache_line) channel_producer<T> producer_;
};

template <class T>
class reorder_buffer<T>::output final : public order_position {
public:
    output(reorder_buffer& order, std::size_t worker, item_reader_base* from, worker_counters* own_counters)
        : order_position(order, worker, from), order_(order), own_counters_(own_counters) {}

    /// As channel_producer::push; blocks also while the result can neither leave nor be parked.
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
            if (order_.slots().is_closed()) return false;
            if (park(result)) return true;
            if (this->is_over()) return this->may_get_items_before_failure();  // this result is dropped
            this->wait_to_pass_on_or_park();
        }
    }

private:
    bool park(T& result) {
        if (!this->may_park()) return false;
        const sync::lock_guard lock(this->at_->parking);
        if (this->is_front() || order_.is_after_failure(*this->at_)) return false;
        parked(*this->at_).push(std::move(result));
        this->has_parked();
        return true;
    }

    reorder_buffer& order_;
    worker_counters* const own_counters_;
};

}  // namespace parallelpipe::detail

#endif
