// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_TASK_GROUP_HPP
#define PARALLELPIPE_DETAIL_RUN_TASK_GROUP_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// One error, as a worker reports it.
struct failure {
    std::size_t stage;
    std::size_t worker;
    std::exception_ptr cause;
    std::optional<std::uint64_t> item = {};  // the item's number in the stage's input, if it is known
    std::string inner_stage = {};            // the stage inside a fused one, if it failed there
};

/// The threads of one run, and the errors that they report.
/// Threads: every member from any thread, but spawn() only from the thread that starts the run.
class task_group {
public:
    /// Reserves memory for `threads` threads, three reports of each, and one of the consumer: a worker may fail, fail
    /// again when it gives back items, and report a sibling's error when it leaves.
    explicit task_group(std::size_t threads)
        : lineage_(new lineage{lineage_here()}), members_(threads) {
        failures_.reserve(3 * threads + 1);
    }
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;
    ~task_group() { join(); }

    /// Starts a thread that calls `task()`. Joins the threads that have ended first, so that the new one can use their
    /// stacks: mapping a stack costs as much as all the rest of a thread, and unmapping it as much again.
    /// Blocks: while an ended thread runs its thread_local destructors.
    /// Errors: `std::system_error` if the thread cannot be started; the others go on.
    template <class Task>
    void spawn(Task task) {
        const sync::lock_guard lock(join_mutex_);
        for (std::size_t i = 0; i < count_; ++i)
            if (members_[i].has_ended.load(std::memory_order_relaxed)) members_[i].join();
        member& next = members_[count_];
        next.thread = sync::jthread([task = std::move(task), &next] {
            task();
            next.has_ended.store(true, std::memory_order_relaxed);
        });
        ++count_;
    }

    /// Blocks until every thread has ended; a second caller waits for the first. Returns at once on one of the group's
    /// own threads, and on a thread of a group that such a thread made: it would wait for itself.
    void join() {
        if (is_waited_for_here()) return;
        const sync::lock_guard lock(join_mutex_);
        for (std::size_t i = 0; i < count_; ++i) members_[i].join();
    }

    /// Whether a thread of the group waits for the calling thread, or is the calling thread.
    bool is_waited_for_here() const noexcept {
        if (!current_worker) return false;
        const lineage* at = current_worker->of_run.get();
        while (at && at != lineage_.get()) at = at->outer.get();
        return at;
    }

    /// The lineage of the group's threads.
    const std::shared_ptr<const lineage>& lineage_of_threads() const noexcept { return lineage_; }

    /// Needs no memory for the reports that the constructor counts: it is called where memory has run out, and where
    /// nothing may be thrown.
    void report(failure what) noexcept {
        const sync::lock_guard lock(failures_mutex_);
        try {
            failures_.push_back(std::move(what));
        } catch (const std::bad_alloc&) {
            // The run has reported other errors before this one.
        }
    }

    /// Calls `f(const failure&)` for each report so far, in their order.
    template <class F>
    void each_failure(F f) const {
        const sync::lock_guard lock(failures_mutex_);
        for (const failure& what : failures_) f(what);
    }

private:
    struct member {
        sync::atomic<bool> has_ended{false};  // set last by the thread; relaxed: join() carries the rest
        sync::jthread thread;                 // under join_mutex_; last: it refers to the flag

        void join() {
            if (thread.joinable()) thread.join();
        }
    };

    const std::shared_ptr<const lineage> lineage_;
    sync::mutex join_mutex_;
    const owning_ptr<member[]> members_;
    std::size_t count_ = 0;  // under join_mutex_
    mutable sync::mutex failures_mutex_;
    std::vector<failure> failures_;  // under failures_mutex_
};

}  // namespace parallelpipe::detail

#endif
