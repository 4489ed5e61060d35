// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_MONITOR_CORE_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_MONITOR_CORE_HPP

// Watches a run from a thread of its own. A Monitor and the run that it watches share it, so each of them
// may be destroyed first.
//
// | who waits             | for what                        | who wakes it                                 |
// |-----------------------|---------------------------------|----------------------------------------------|
// | the monitor's thread  | the next moment it is due       | time; end_watch(), which sets is_ending_     |
// |                       |                                 | under mutex_ and notifies                    |
// | the thread that ends  | the monitor's thread, to join it| that thread's end: it is in a callback, which|
// | the run or the Monitor|                                 | is the user's, or comes back to is_ending_   |
// | a second one of those | the first                       | the first leaves joining_                    |
//
// Locks, the outer one first: joining_, mutex_, the run's own (which are held for moments and call
// nothing of the user's). Callbacks and run.fail(), which calls users' stop_callbacks, are called without any
// of them: so each may call stats(), or cancel the run. A callback that ends the run, or destroys it, is on
// the monitor's own thread (`watching` tells), and is neither joined nor made to wait; the thread looks at
// run_ anew after each callback.
//
// The run is alive while run_ is not null, and run_ becomes null only under mutex_: in the thread that ends
// the run or the Monitor after it has joined the monitor's thread, in the monitor's own between two looks of
// it. So under mutex_, and on the monitor's own thread outside of callbacks, run_ can be used. Workers are
// joined before the monitor's thread, and never wait for it: a worker that cancels the run leaves the end to
// others.
//
// A run that cannot be started ends as any other. What a callback throws is reported to the run before the
// thread ends, and the run looks for errors after the join: so it sees what the last call throws, too.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/observe/alarm.hpp>
#include <parallelpipe/detail/observe/monitor_settings.hpp>
#include <parallelpipe/detail/observe/sample_log.hpp>
#include <parallelpipe/detail/observe/stall_detector.hpp>
#include <parallelpipe/detail/observe/traced_threads.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/observe/stall.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// Which monitor's thread this is.
inline constinit thread_local const void* watching = nullptr;

template <class...>
class monitor_core final : public run_observer,
                           public std::enable_shared_from_this<monitor_core<>> {
public:
    monitor_core() = default;
    monitor_core(const monitor_core&) = delete;
    monitor_core& operator=(const monitor_core&) = delete;
    ~monitor_core() override {
        // A callback has destroyed the run and the Monitor, and this thread was the last to need it.
        if (watching == this) thread_.detach();
    }

    // ---- the user's side ----

    template <class F>
    void set(F change) {
        // The thread of a run that was destroyed in a callback may still be in there.
        if (watching != this) join_idle();
        const sync::lock_guard lock(mutex_);
        if (is_reserved_ || watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches a run; change its settings before "
                "the run, or after its end");
        change(settings_);
    }

    Statistics stats() const {
        const sync::lock_guard lock(mutex_);
        return stats_now();
    }

    run_record record() const {
        const sync::lock_guard lock(mutex_);
        if (settings_.kept_waits == 0)
            throw std::logic_error(
                "parallelpipe: there is no trace: call the Monitor's trace() before "
                "the run");
        return record_now();
    }

    /// The Monitor is destroyed: a run that still goes on does so unwatched.
    /// Blocks: for a callback that is at work, unless it is the caller.
    void end_watch() noexcept {
        if (watching == this) {
            const sync::lock_guard lock(mutex_);
            is_silent_ = true;
            return leave();
        }
        const sync::lock_guard joining(joining_);
        {
            const sync::lock_guard lock(mutex_);
            is_ending_ = is_silent_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
        const sync::lock_guard lock(mutex_);
        leave();
    }

    // ---- the run's side ----

    void reserve(observed_run& of) override {
        const sync::lock_guard lock(mutex_);
        if (is_reserved_ || watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches another run; give each run that "
                "goes on at the same time a Monitor of its own");
        is_reserved_ = &of;
    }

    // The run that asks has reserved, so set() changes nothing meanwhile.
    std::size_t kept_waits() const noexcept override { return settings_.kept_waits; }

    void begin(observed_run& of) override {
        join_idle();
        const sync::lock_guard joining(joining_);
        const sync::lock_guard lock(mutex_);
        last_ = {};
        log_.reset();
        if (settings_.sample_every || settings_.kept_waits != 0) {
            log_.reset(new sample_log(settings_.sample_every.value_or(std::chrono::milliseconds(50))));
            log_->add(of.stats());
        }
        is_ending_ = has_last_sample_ = is_silent_ = false;
        run_ = &of;
        if (!log_ && !settings_.progress && !settings_.has_watchdog()) return;
        try {
            thread_ = sync::jthread([self = this->shared_from_this()] { self->watch(); });
        } catch (const std::system_error& error) {
            throw_not_started(error, "the Monitor");
        }
    }

    void end(observed_run& of) noexcept override {
        // A callback that cancels the run: the thread that takes the results comes by here too, or the one
        // that destroys them.
        if (watching == this) return;
        const sync::lock_guard joining(joining_);
        {
            const sync::lock_guard lock(mutex_);
            if (run_ != &of) return;
            is_ending_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
        forget(of);
    }

    void release(observed_run& of) noexcept override {
        end(of);
        forget(of);  // not begun, or destroyed by a callback
    }

private:
    using clock = sync::steady_clock;

    /// Joins a thread that has no run any more.
    void join_idle() {
        const sync::lock_guard joining(joining_);
        {
            const sync::lock_guard lock(mutex_);
            if (run_) return;
        }
        if (thread_.joinable()) thread_.join();
    }

    /// Keeps what is known of a run that is over.
    void forget(observed_run& of) noexcept {
        const sync::lock_guard lock(mutex_);
        if (is_reserved_ != &of) return;
        if (run_) {
            try {
                if (log_ && !has_last_sample_) log_->add(run_->stats());
                last_ = record_now();
            } catch (...) {
                last_ = {};  // no memory for it
            }
        }
        leave();
    }

    // ---- the monitor's thread ----

    void watch() noexcept {
        watching = this;
        sync::unique_lock lock(mutex_);
        std::exception_ptr error;
        try {
            watch(lock);
        } catch (...) {
            error = std::current_exception();  // no memory for a sample, or the like
        }
        if (!lock.owns_lock()) lock.lock();
        if (error) fail(lock, error);
    }

    void watch(sync::unique_lock<sync::mutex>& lock) {
        const alarm::time start = clock::now();
        alarm sample, progress, look;
        if (log_) sample = alarm(start, log_->interval());
        if (settings_.progress) progress = alarm(start, *settings_.progress_every);
        if (settings_.has_watchdog()) look = alarm(start, settings_.look_every());
        stall_detector still(start);
        mark_ = 0;

        while (!is_ending_) {
            wake_.wait_until(lock, std::min({sample.at(), progress.at(), look.at()}),
                             [this] { return is_ending_; });
            if (is_ending_) break;
            const alarm::time now = clock::now();
            if (sample.is_due(now)) {
                log_->add(run_->stats());
                sample.advance(log_->interval(), clock::now());
            }
            if (look.is_due(now)) {
                look_for_stall(lock, still);
                look = alarm(clock::now(), settings_.look_every());
            }
            if (progress.is_due(now) && !is_ending_) {
                call(lock, [this, stats = stats_now()] { settings_.progress(stats); });
                progress.advance(*settings_.progress_every, clock::now());
            }
        }
        if (run_ && log_) {
            log_->add(run_->stats());
            has_last_sample_ = true;
        }
        if (settings_.progress)
            call(lock, [this, stats = stats_now()] { settings_.progress(stats); });
    }

    void look_for_stall(sync::unique_lock<sync::mutex>& lock, stall_detector& still) {
        still.look(run_->has_moved(mark_), clock::now());
        if (still.is_to_be_told(settings_.stall_after))
            call(lock, [this, text = stall_report(run_->stats(), still.time_still())] {
                if (settings_.stall) settings_.stall(text);
            });
        if (is_ending_ || !still.is_to_be_cancelled(settings_.cancel_after)) return;
        observed_run* const run = run_;
        const auto error =
            std::make_exception_ptr(StallError(stall_report(run->stats(), still.time_still())));
        lock.unlock();
        run->fail("watchdog", error);
        lock.lock();
    }

    /// A callback, without the lock.
    template <class F>
    void call(sync::unique_lock<sync::mutex>& lock, F f) {
        if (is_silent_) return;
        lock.unlock();
        std::exception_ptr error;
        try {
            f();
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        if (!error) return;
        is_silent_ = true;
        fail(lock, error);
    }

    void fail(sync::unique_lock<sync::mutex>& lock, const std::exception_ptr& error) {
        observed_run* const run = run_;
        if (!run) return;  // a callback has destroyed it: there is no run to be told
        lock.unlock();
        run->fail("monitor", error);
        lock.lock();
    }

    // ---- under mutex_ ----

    /// The run's place is free.
    void leave() noexcept {
        is_reserved_ = nullptr;
        run_ = nullptr;
        is_ending_ = true;  // for the monitor's own thread, if this is it
    }

    Statistics stats_now() const {
        if (!run_) return last_.stats;
        Statistics all = run_->stats();
        if (log_) all.samples = log_->samples();
        return all;
    }

    run_record record_now() const {
        if (!run_) return last_;
        run_record all{stats_now()};
        all.threads = make_trace(all.stats, *run_);
        return all;
    }

    sync::mutex joining_;
    sync::jthread thread_;  // under joining_

    mutable sync::mutex mutex_;  // all that follows
    sync::condition_variable wake_;
    monitor_settings settings_;
    const observed_run* is_reserved_ = nullptr;  // by that run
    observed_run* run_ = nullptr;                // that goes on; it has reserved
    bool is_ending_ = false;
    bool has_last_sample_ = false;
    bool is_silent_ = false;  // a callback has thrown, or the Monitor is gone: no more callbacks
    std::uint64_t mark_ = 0;  // of the watchdog
    owning_ptr<sample_log> log_;
    run_record last_;  // of the last run
};

}  // namespace parallelpipe::detail

#endif
