// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_MONITOR_CORE_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_MONITOR_CORE_HPP

// Watches a run from a thread of its own. A Monitor and the run that it watches share this object, so either of them
// may die first.
//
// | thread that waits        | for what                      | what wakes it                                 |
// |--------------------------|-------------------------------|-----------------------------------------------|
// | the monitor's thread     | its next alarm                | time; end() and end_watch(), which set        |
// |                          |                               | is_ending_ under mutex_ and notify            |
// | a thread that ends the   | the monitor's thread, to join | that thread's end; it returns from the user's |
// | run or the Monitor       | it                            | callback, then finds is_ending_               |
// | a second thread of these | the first one                 | the first one unlocks joining_                |
//
// Locks, the outer one first: joining_, mutex_, the run's own (which are held for moments and call no user code).
// The monitor's thread holds no lock when it calls a callback, or run.fail(), which calls users' stop_callbacks. So a
// callback may call stats() or cancel the run. A callback that ends or destroys the run is on the monitor's own thread
// (`watching` tells); that thread neither waits for itself nor joins itself, and reads run_ anew after each callback.
//
// The run is alive while run_ is not null. Only two threads set run_ to null, under mutex_: a thread that ends the run
// or the Monitor, after it has joined the monitor's thread; and the monitor's own thread, in a callback. So run_ can
// be used under mutex_, and on the monitor's own thread outside of callbacks. Workers are joined before the monitor's
// thread and never wait for it: a worker that cancels the run leaves the join to other threads.
//
// A run that cannot be started ends like any other. The monitor's thread reports what a callback throws before it
// ends, and the run reads its errors after it has joined that thread, so it finds the last call's error, too.

#include <parallelpipe/detail/base/config.hpp>
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
#include <system_error>

namespace parallelpipe::inline v0::detail {

/// The monitor whose thread this is; null on any other thread.
/// Visible: a callback may destroy the Monitor in another library than the one that started the thread.
PARALLELPIPE_VISIBLE inline constinit thread_local const void* watching = nullptr;

template <class...>
class monitor_core final : public run_observer,
                           public std::enable_shared_from_this<monitor_core<>> {
public:
    monitor_core() = default;
    monitor_core(const monitor_core&) = delete;
    monitor_core& operator=(const monitor_core&) = delete;
    ~monitor_core() override {
        // A callback has destroyed the run and the Monitor, and its thread held the last reference.
        if (watching == this) thread_.detach();
    }

    // ---- the user's side ----

    template <class F>
    void set(F change) {
        // A callback may have destroyed the last run, and its thread may still be running.
        if (watching != this) join_idle();
        const sync::lock_guard lock(mutex_);
        if (reserved_by_ || watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches a run; change its settings before the run or after its end");
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
                "parallelpipe: this Monitor has no trace; call its trace() before the run");
        return record_now();
    }

    /// The Monitor dies; a run that it watches goes on unwatched.
    /// Blocks: while a callback runs, unless the callback is the caller.
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
        if (reserved_by_ || watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches another run; give each of several runs at the same time a Monitor "
                "of its own");
        reserved_by_ = &of;
    }

    // The calling run has reserved, so set() changes nothing meanwhile.
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
        // A callback cancels the run. The consumer, or the thread that destroys the results, calls end() too.
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
        forget(of);  // if end() has not: the run was not begun, or a callback destroys it
    }

private:
    using clock = sync::steady_clock;

    /// Joins the thread of an earlier run.
    void join_idle() {
        const sync::lock_guard joining(joining_);
        {
            const sync::lock_guard lock(mutex_);
            if (run_) return;
        }
        if (thread_.joinable()) thread_.join();
    }

    /// Keeps the record of a run that is over.
    void forget(observed_run& of) noexcept {
        const sync::lock_guard lock(mutex_);
        if (reserved_by_ != &of) return;
        if (run_) {
            try {
                if (log_ && !has_last_sample_) log_->add(run_->stats());
                last_ = record_now();
            } catch (...) {
                last_ = {};  // no memory for the record
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
            error = std::current_exception();  // such as no memory for a sample
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

    /// Calls a callback without the lock.
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
        if (!run) return;  // a callback has destroyed it
        lock.unlock();
        run->fail("monitor", error);
        lock.lock();
    }

    // ---- under mutex_ ----

    /// Another run may reserve.
    void leave() noexcept {
        reserved_by_ = nullptr;
        run_ = nullptr;
        is_ending_ = true;  // ends the monitor's thread, if a callback is the caller
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
    const observed_run* reserved_by_ = nullptr;
    observed_run* run_ = nullptr;  // the run that goes on; it has reserved
    bool is_ending_ = false;
    bool has_last_sample_ = false;
    bool is_silent_ = false;  // no more callbacks: one has thrown, or the Monitor is gone
    std::uint64_t mark_ = 0;  // for observed_run::has_moved
    owning_ptr<sample_log> log_;
    run_record last_;  // of the last run that ended
};

}  // namespace parallelpipe::detail

#endif
