// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_RANGE_IN_TURN_HPP
#define PARALLELPIPE_DETAIL_NESTED_RANGE_IN_TURN_HPP

// A range that the workers of one stage read themselves, in turn, one item at a time. So one core makes an item and
// its result.
//
// The worker that holds `turn_` reads. The others wait for `turn_`; unlocking it wakes one of them. A worker holds it
// until the range has made an item, even if the run is stopped meanwhile: the range can ask this_worker::stop_token(),
// as any source can. The worker that gets the turn next sees the stop.
//
// A worker takes no item ahead, so it has none to give back.
//
// | atomic      | written by                   | read by          | order                                          |
// |-------------|------------------------------|------------------|------------------------------------------------|
// | taken_      | the holder of turn_          | any thread       | relaxed: a number; turn_ orders the writers    |
// | is_stopped_ | stop(), any thread           | each reader      | relaxed: carries nothing but itself            |
//
// Everything else in range_in_turn is under turn_.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_reader.hpp>
#include <parallelpipe/detail/input/ordered_reader.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/this_worker.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The only kind of shared_range.
class range_in_turn final : public shared_range {
public:
    range_in_turn(const stage_code& range, const Setup& setup) noexcept : range_(range), setup_(setup) {}
    range_in_turn(const range_in_turn&) = delete;
    range_in_turn& operator=(const range_in_turn&) = delete;

    static owning_ptr<shared_range> open(const stage_code& range, const Setup& setup) {
        return owning_ptr<shared_range>(new range_in_turn(range, setup));
    }

    void stop() noexcept override { is_stopped_.store(true, std::memory_order_relaxed); }
    bool is_stopped() const noexcept override { return is_stopped_.load(std::memory_order_relaxed); }
    std::uint64_t taken() const noexcept override { return taken_.load(std::memory_order_relaxed); }
    inline owning_ptr<shared_range::reader> open_for(const worker_identity& worker) override;

    class reader;

private:
    const stage_code& range_;
    const Setup& setup_;  // the settings of the range
    sync::mutex turn_;
    owning_ptr<nested_call> elements_;  // made by the first reader
    sync::atomic<std::uint64_t> taken_{0};
    bool has_ended_ = false;
    sync::atomic<bool> is_stopped_{false};
};

/// Threads: one at a time, the worker's own or one that reads for it.
class range_in_turn::reader final : public shared_range::reader, public nested_source, public ordered_reader {
public:
    reader(range_in_turn& of, const worker_identity& worker)
        : nested_source(worker), of_(of), worker_(worker) {}
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    owning_ptr<item_reader_base> open() override {
        return of_.range_.result_type().make_nested_reader(*this);
    }
    bool has_failed() const noexcept override { return failure_.has_value(); }
    void throw_failure() override {
        const inner_failure failure = std::move(*failure_);
        failure_.reset();
        throw failure;
    }

    bool produce_otherwise(void* to) override {
        if (failure_) return false;
        // The range may take long, and what the worker yielded for its last item is complete.
        if (listener_) listener_->pauses(end_);
        if (!read(to)) return false;
        const bool is_made = !failure_;
        if (listener_) begin();
        end_ = number_ + 1;
        return is_made;
    }

    void abandon() noexcept override {}  // the siblings read on

    void ended(bool quiet) override {
        if (failure_ ? !failure_->in_order : is_stopped()) {
            if (!quiet) throw stop_unwind{};
        } else if (failure_) {
            // What the stage yields from now on belongs to the item that the range failed to make.
        } else if (listener_) {
            listener_->ends(end_);
        }
    }

    std::uint64_t number() const override { return number_; }
    ordered_reader* ordered() noexcept override { return this; }
    bool waits_for_this_reader(std::uint64_t, bool) override { return false; }
    bool may_get_items_before(std::uint64_t) override { return false; }

private:
    struct stopping {
        helper_identity* in_range;
        void operator()() const { in_range->request_stop(); }
    };

    /// Tells the listener of the item. If that fails, the worker still gets the item, and it is the last one.
    void begin() {
        try {
            listener_->begins(number_, end_);  // false: the worker is unwound when it asks for the next item
        } catch (...) {
            if (!failure_) failure_ = inner_failure{{}, std::current_exception()};
        }
    }

    /// Makes the next element at `to`, or notes the range's error. Returns: false at the end.
    bool read(void* to) {
        const sync::unique_lock<sync::mutex> turn = wait_for_turn();
        if (of_.has_ended_ || is_stopped()) return false;
        const worker_scope scope(in_range());
        try {
            if (!of_.elements_) of_.elements_ = of_.range_.call(nullptr);
            of_.has_ended_ = !of_.elements_->next(to);
            if (of_.has_ended_) return false;
        } catch (const stop_unwind&) {
            of_.has_ended_ = true;  // the range reads another run's items, and that run was stopped
            throw;
        } catch (...) {
            of_.has_ended_ = true;
            failure_ = inner_failure_of(in_range_->get());
            failure_->run_goes_on = of_.setup_.on_error == OnError::finish;
        }
        number_ = of_.taken();
        of_.taken_.store(number_ + 1, std::memory_order_relaxed);
        if (worker_counters* const own_counters = worker_.own_counters)
            own_counters->in.store(own_counters->in.load(std::memory_order_relaxed) + 1,
                                   std::memory_order_relaxed);
        return true;
    }

    sync::unique_lock<sync::mutex> wait_for_turn() {
        sync::unique_lock turn(of_.turn_, std::try_to_lock);
        if (turn) return turn;
        auto timer = wait_timer::for_input(worker_.own_counters);
        timer.begin();
        const int pauses = wait_strategy_.pauses();
        for (int i = 0; i < pauses; ++i) {
            wait_strategy_.pause(i);
            if (!turn.try_lock()) continue;
            wait_strategy_.spin_succeeded();
            return turn;
        }
        wait_strategy_.sleeps();
        turn.lock();
        return turn;
    }

    bool is_stopped() const noexcept {
        return of_.is_stopped() || worker_.stop.stop_requested();
    }

    /// The worker's identity while it runs the range. A stop of the worker stops it, and a stop of the caller that
    /// asks for an item, which can be a stage inside a fused one, or a thread.
    const worker_identity& in_range() {
        const sync::stop_token& asking = current_worker ? current_worker->stop : worker_.stop;
        if (!in_range_ || in_range_->get().index != worker_.index || asking_ != asking) {
            on_stop_.reset();
            name_ = of_.setup_.name ? *of_.setup_.name : std::string(worker_.stage) + ".source";
            worker_identity named = worker_;
            named.stage = name_;
            named.setup = &of_.setup_;
            named.host = &worker_;
            in_range_.emplace(named);
            asking_ = asking;
            on_stop_.emplace(asking_, stopping{&*in_range_});
        }
        return in_range_->get();
    }

    range_in_turn& of_;
    const worker_identity& worker_;
    std::uint64_t number_ = 0;  // of the item in hand, or of the item that the range failed to make
    std::uint64_t end_ = 0;     // one past number_, once that item has begun
    wait_strategy wait_strategy_;
    std::string name_;
    std::optional<helper_identity> in_range_;
    sync::stop_token asking_;                               // the stop of the caller that asked last
    std::optional<sync::stop_callback<stopping>> on_stop_;  // registered there
    std::optional<inner_failure> failure_;
};

inline owning_ptr<shared_range::reader> range_in_turn::open_for(const worker_identity& worker) {
    return owning_ptr<shared_range::reader>(new reader(*this, worker));
}

}  // namespace parallelpipe::detail

#endif
