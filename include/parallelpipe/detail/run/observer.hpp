// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_OBSERVER_HPP
#define PARALLELPIPE_DETAIL_RUN_OBSERVER_HPP

// What a run and a Monitor know of each other. A run keeps the waits that a trace shows in its workers' counters and
// the Monitor copies them, so no worker ever writes to what a Monitor owns.

#include <parallelpipe/detail/run/observed_run.hpp>
#include <parallelpipe/detail/run/snapshot.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Watches runs, one at a time.
class run_observer {
public:
    virtual ~run_observer() = default;

    /// Called before the run makes anything. Errors: `std::logic_error` if the observer watches another run.
    virtual void reserve(observed_run& of) = 0;
    /// How many waits of each kind the run keeps for each worker; 0: none.
    virtual std::size_t kept_waits() const noexcept = 0;
    /// Called before the first worker starts. Errors: those of starting a thread, `std::bad_alloc`.
    virtual void begin(observed_run& of) = 0;
    /// Called after all workers have ended, any number of times. Waits until the observer's own thread has ended,
    /// unless that thread is the caller.
    virtual void end(observed_run& of) noexcept = 0;
    /// Called before `of` dies, also if reserve() or begin() failed.
    virtual void release(observed_run& of) noexcept = 0;
};

/// What a user hands to a run. The run shares the observer, so either may die first.
class observer_handle {
public:
    const std::shared_ptr<run_observer>& observer() const noexcept { return observer_; }

protected:
    explicit observer_handle(std::shared_ptr<run_observer> observer) : observer_(std::move(observer)) {}
    ~observer_handle() = default;

private:
    const std::shared_ptr<run_observer> observer_;
};

/// Ties a run to its observer, if it has one.
class observation {
public:
    observation(const observer_handle* by, observed_run& of) : run_(of) {
        if (!by) return;
        by->observer()->reserve(run_);
        by_ = by->observer();
    }
    observation(const observation&) = delete;
    observation& operator=(const observation&) = delete;
    ~observation() { release(); }

    explicit operator bool() const noexcept { return static_cast<bool>(by_); }
    std::size_t kept_waits() const noexcept { return by_ ? by_->kept_waits() : 0; }
    void begin() {
        if (by_) by_->begin(run_);
    }
    void end() noexcept {
        if (by_) by_->end(run_);
    }
    /// From then on the observer does not touch the run.
    void release() noexcept {
        if (!by_) return;
        by_->release(run_);
        by_ = nullptr;
    }

private:
    std::shared_ptr<run_observer> by_;
    observed_run& run_;
};

}  // namespace parallelpipe::detail

#endif
