// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_OBSERVER_HPP
#define PARALLELPIPE_DETAIL_RUN_OBSERVER_HPP

// What a run and a Monitor know of each other. The waits that a trace shows lie in the run's meters: the
// Monitor copies them, and keeps nothing that a worker writes to.

#include <cstddef>
#include <memory>
#include <utility>

namespace parallelpipe::inline v0::detail {

class run;

/// Watches runs, one at a time.
class run_observer {
public:
    virtual ~run_observer() = default;

    /// Before anything of the run is made. Errors: `std::logic_error` if it watches another one.
    virtual void reserve(run& of) = 0;
    /// How many waits of each kind the run keeps for each of its workers; 0: none.
    virtual std::size_t kept_waits() const noexcept = 0;
    /// Before the first worker starts. Errors: those of starting a thread, `std::bad_alloc`.
    virtual void begin(run& of) = 0;
    /// When all workers have ended: waits until the observer's own thread has, unless it is the
    /// calling one. As often as one likes.
    virtual void end(run& of) noexcept = 0;
    /// Before `of` is destroyed, begun or not, and when reserve() was all it did.
    virtual void release(run& of) noexcept = 0;
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

/// A run's place at its observer, if it has one.
class observation {
public:
    observation(const observer_handle* by, run& of) : run_(of) {
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
    void release() noexcept {
        if (!by_) return;
        by_->release(run_);
        by_ = nullptr;  // after that the observer does not look at the run any more
    }

private:
    std::shared_ptr<run_observer> by_;
    run& run_;
};

}  // namespace parallelpipe::detail

#endif
