#ifndef PARALLELPIPE_DETAIL_REORDER_BUFFER_HPP
#define PARALLELPIPE_DETAIL_REORDER_BUFFER_HPP

#include <parallelpipe/detail/channel.hpp>
#include <parallelpipe/detail/order_base.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/parked_results.hpp>

#include <cstddef>
#include <mutex>
#include <utility>

namespace parallelpipe::detail {

/// The results of an ordered stage that wait for earlier ones; order_base.hpp tells how.
template <class T>
class reorder_buffer final : public order_base {
public:
    class Output;

    reorder_buffer(Channel<T>& out, std::size_t workers)
        : order_base(out, workers), channel_(out), producer_(out) {
        begin();
    }

private:
    struct parking_stretch : stretch {
        parked_results<T> parked;
    };
    static parked_results<T>& parked(stretch& at) {
        return static_cast<parking_stretch&>(at).parked;
    }

    owned<stretch> make_stretch() override { return owned<stretch>(new parking_stretch); }

    void pass_on(stretch& first) override {
        parked(first).take_each(
            [this](T&& result) { return producer_.push_with_slot(std::move(result)); });
    }

    std::ptrdiff_t bury(stretch& behind) noexcept override { return buried_.absorb(parked(behind)); }
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
class reorder_buffer<T>::Output final : public order_base::Position {
public:
    Output(reorder_buffer& order, std::size_t worker, feed_base* from, meter* counted)
        : Position(order, worker, from), order_(order), counted_(counted) {}

    /// As Channel::Producer::push; blocks also while the result can neither leave nor be parked.
    [[nodiscard]] bool push(T&& result) {
        if (!this->at_) return false;
        if (counted_)
            counted_->out.store(counted_->out.load(std::memory_order_relaxed) + 1,
                                std::memory_order_relaxed);
        for (;;) {
            if (this->is_head()) {
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
        const std::lock_guard lock(this->at_->parking);
        if (this->is_head() || order_.is_behind_failure(*this->at_)) return false;
        order_.parked(*this->at_).push(std::move(result));
        this->use_slot();
        return true;
    }

    reorder_buffer& order_;
    meter* const counted_;
};

}  // namespace parallelpipe::detail

#endif
