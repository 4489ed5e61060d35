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

/// One thing that went wrong, as it is written down where it happens.
struct failure {
    std::size_t stage;
    std::size_t worker;
    std::exception_ptr cause;
    std::optional<std::uint64_t> item = {};  // the item's number in the stage's input, if that is known
    std::string inner_stage = {};            // the stage inside a fused one, if it was one
};

/// The threads of one run and what they reported.
/// Threads: every member from any thread, but spawn() only from the thread that starts the run.
class task_group {
public:
    /// Room for `threads` threads and their reports, and one more report of the consumer. A worker may fail,
    /// fail again where it gives back what it has not begun, and leave what a sibling's result failed at.
    explicit task_group(std::size_t threads)
        : lineage_(new lineage{lineage_here()}), members_(threads) {
        failures_.reserve(3 * threads + 1);
    }
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;
    ~task_group() { join(); }

    /// Those that have ended already are joined first, so that their stacks serve again: to map a stack
    /// costs as much as all the rest of a thread, and to unmap it as much again.
    /// Blocks: for what such a thread has left to do, thread_local destructors.
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

    /// Blocks until every thread has ended; whoever comes second waits for the first.
    /// On one of the group's own threads it returns at once, and on one of a group that such a thread
    /// made: a thread cannot wait for itself.
    void join() {
        if (is_waited_for_here()) return;
        const sync::lock_guard lock(join_mutex_);
        for (std::size_t i = 0; i < count_; ++i) members_[i].join();
    }

    /// Whether the calling thread has to end before one of the group's can.
    bool is_waited_for_here() const noexcept {
        if (!current_worker) return false;
        const lineage* at = current_worker->of_run.get();
        while (at && at != lineage_.get()) at = at->outer.get();
        return at;
    }

    /// What the group's threads belong to.
    const std::shared_ptr<const lineage>& lineage_of_threads() const noexcept { return lineage_; }

    /// Called where memory has run out, and where nothing may be thrown: there is room for all that a run
    /// reports.
    void report(failure what) noexcept {
        const sync::lock_guard lock(failures_mutex_);
        try {
            failures_.push_back(std::move(what));
        } catch (const std::bad_alloc&) {
            // It is not the first one, at least.
        }
    }

    /// Calls `f(const failure&)` for what was reported so far, in the order of the reports.
    template <class F>
    void each_failure(F f) const {
        const sync::lock_guard lock(failures_mutex_);
        for (const failure& what : failures_) f(what);
    }

private:
    struct member {
        sync::atomic<bool> has_ended{false};  // the thread's last word; relaxed: join() carries the rest
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
