#ifndef PARALLELPIPE_DETAIL_RUN_WATCHER_HPP
#define PARALLELPIPE_DETAIL_RUN_WATCHER_HPP

// What a run and a Monitor know of each other.

#include <parallelpipe/detail/span_ring.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

namespace parallelpipe::detail {

/// A run as its watcher sees it. Threads: any, from begin() until end() has returned.
class watched_run {
public:
    virtual Statistics stats() const = 0;
    /// When a worker began and ended, in nanoseconds of the steady clock; 0: not yet. Of the stage
    /// behind the last one: the run itself.
    virtual span times(std::size_t stage, std::size_t worker) const = 0;
    /// Whether anybody has got on since the last call, which left in `mark` what it saw. Asks who
    /// reads a queue to show himself at his next item.
    virtual bool has_moved(std::uint64_t& mark) = 0;
    /// Ends the run with what the task `who` threw, a stage that it does not have. Does not wait.
    virtual void fail(std::string who, std::exception_ptr cause) = 0;

protected:
    ~watched_run() = default;
};

/// Who watches runs, one at a time. Stages and workers have their indices; behind the last stage is
/// the consumer.
class run_watcher {
public:
    /// Before anything of the run is made. Errors: `std::logic_error` if it watches another one.
    virtual void reserve(watched_run& run) = 0;
    /// Before the first worker starts. Errors: those of starting a thread, `std::bad_alloc`.
    virtual void begin(watched_run& run) = 0;
    /// Where the waits of a worker go; null: nowhere.
    virtual wait_spans* spans(std::size_t stage, std::size_t worker) noexcept = 0;
    /// When all workers have ended: waits until the watcher's own thread has, unless it is the
    /// calling one. As often as one likes.
    virtual void end(watched_run& run) noexcept = 0;
    /// Before `run` is destroyed, begun or not, and when reserve() was all it did.
    virtual void release(watched_run& run) noexcept = 0;

protected:
    ~run_watcher() = default;
};

/// A run's place at its watcher, if it has one.
class watch_of_run {
public:
    watch_of_run(run_watcher* by, watched_run& run) : by_(by), run_(run) {
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
    watched_run& run_;
};

}  // namespace parallelpipe::detail

#endif
