// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_OBSERVED_RUN_HPP
#define PARALLELPIPE_DETAIL_RUN_OBSERVED_RUN_HPP

// What a run shows to Results::stats() and to a Monitor.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/run/consumer_counters.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/item_counters.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/statistics.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

namespace parallelpipe::inline v0::detail {

/// What an observer may read of one stage. All but the counters is written before the first worker starts.
struct observed_stage {
    std::string name;
    std::size_t workers = 1;
    bool is_range = false;
    bool is_ordered = false;
    bool is_keyed = false;
    owning_ptr<channel_base> out;  // its results; null for a sink
    item_counters counters;
    owning_ptr<worker_counters[]> of_workers;  // one per worker
};

/// Threads: every member from any thread.
class observed_run {
public:
    observed_run() = default;
    observed_run(const observed_run&) = delete;
    observed_run& operator=(const observed_run&) = delete;
    virtual ~observed_run() = default;

    // Both are in snapshot.hpp. They are templates so that only programs that call them compile them.
    template <class...>
    Statistics stats() const;
    /// Whether a worker or the consumer has progressed since the last call. `mark` keeps what that call saw.
    template <class...>
    bool has_moved(std::uint64_t& mark) const;

    /// When a worker began and ended, in nanoseconds of the steady clock; 0: not yet. The stage after the last one
    /// is the consumer, and its times are those of the run.
    span times(std::size_t stage, std::size_t worker) const {
        if (stage == stage_count()) return {consumer_.began(), consumer_.ended()};
        const worker_counters& of = observed(stage).of_workers[worker];
        return {of.began.load(std::memory_order_relaxed), of.ended.load(std::memory_order_relaxed)};
    }
    /// A worker's waits, or the consumer's; null if the run keeps none. Only after the observer's begin().
    const wait_history* waits(std::size_t stage, std::size_t worker) const {
        return (stage == stage_count() ? consumer_.counters() : observed(stage).of_workers[worker]).spans.get();
    }

    /// Ends the run with `cause`, as an error of the task `name`, which is no stage. Does not wait.
    virtual void fail(std::string name, std::exception_ptr cause) = 0;

protected:
    virtual std::size_t stage_count() const noexcept = 0;
    virtual const observed_stage& observed(std::size_t stage) const noexcept = 0;
    /// The queue that a stage reads, or the consumer after the last one; null for a source.
    const channel_base* input_of(std::size_t stage) const {
        return stage == 0 ? nullptr : observed(stage - 1).out.get();
    }

    consumer_counters consumer_;
};

}  // namespace parallelpipe::detail

#endif
