#ifndef PARALLELPIPE_DETAIL_RUN_WATCHER_HPP
#define PARALLELPIPE_DETAIL_RUN_WATCHER_HPP

// What a run and a Monitor know of each other.

#include <parallelpipe/detail/span_ring.hpp>

#include <cstddef>

namespace parallelpipe::detail {

class run;

/// Who watches runs, one at a time. Stages and workers have their indices; behind the last stage is
/// the consumer.
class run_watcher {
public:
    /// Before anything of the run is made. Errors: `std::logic_error` if it watches another one.
    virtual void reserve(run& of) = 0;
    /// Before the first worker starts. Errors: those of starting a thread, `std::bad_alloc`.
    virtual void begin(run& of) = 0;
    /// Where the waits of a worker go; null: nowhere.
    virtual wait_spans* spans(std::size_t stage, std::size_t worker) noexcept = 0;
    /// When all workers have ended: waits until the watcher's own thread has, unless it is the
    /// calling one. As often as one likes.
    virtual void end(run& of) noexcept = 0;
    /// Before `of` is destroyed, begun or not, and when reserve() was all it did.
    virtual void release(run& of) noexcept = 0;

protected:
    ~run_watcher() = default;
};

/// A run's place at its watcher, if it has one.
class watch_of_run {
public:
    watch_of_run(run_watcher* by, run& of) : by_(by), run_(of) {
        if (by_) by_->reserve(run_);
    }
    watch_of_run(const watch_of_run&) = delete;
    watch_of_run& operator=(const watch_of_run&) = delete;
    ~watch_of_run() { release(); }

    explicit operator bool() const noexcept { return by_; }
    void begin() {
        if (by_) by_->begin(run_);
    }
    wait_spans* spans(std::size_t stage, std::size_t worker) noexcept {
        return by_ ? by_->spans(stage, worker) : nullptr;
    }
    void end() noexcept {
        if (by_) by_->end(run_);
    }
    void release() noexcept {
        if (!by_) return;
        by_->release(run_);
        by_ = nullptr;  // behind that nobody looks at the run any more
    }

private:
    run_watcher* by_;
    run& run_;
};

}  // namespace parallelpipe::detail

#endif
