#ifndef PARALLELPIPE_MONITOR_HPP
#define PARALLELPIPE_MONITOR_HPP

// Watches a run from a thread of its own.
//
// | who waits             | for what                        | who wakes it                                 |
// |-----------------------|---------------------------------|----------------------------------------------|
// | the monitor's thread  | the next moment it is due       | time; end() and release(), which set         |
// |                       |                                 | is_ending_ under mutex_ and notify           |
// | who ends the run      | the monitor's thread, to join it| that thread's end: it is in a callback, which |
// |                       |                                 | is the user's, or comes back to is_ending_   |
// | a second one of those | the first                       | its leaving joining_                         |
//
// Locks, the outer one first: joining_, mutex_, the run's own (which are held for moments and call
// nobody). Callbacks and run.fail(), which calls users' stop_callbacks, are called without any of
// them: so each may call stats(), or cancel the run. Whoever ends the run from a callback, or
// destroys it there, is on the monitor's own thread (`watching` tells), and is neither joined nor
// made to wait; the thread looks at run_ anew after each callback.
//
// The run is alive while run_ is not null, and run_ becomes null only under mutex_, by who ends the
// run: on another thread behind the join, on the monitor's own between two looks of it. So under
// mutex_, and on the monitor's own thread outside of callbacks, run_ can be used. Workers are
// joined before the monitor's thread, and never wait for it: a worker that cancels the run leaves
// the end to others.
//
// A run that cannot be started ends as any other. What a callback throws is reported to the run
// before the thread ends, and the run looks for errors behind the join: also what the last call
// throws is seen.

#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/run.hpp>
#include <parallelpipe/detail/run_watcher.hpp>
#include <parallelpipe/detail/sample_log.hpp>
#include <parallelpipe/detail/span_ring.hpp>
#include <parallelpipe/detail/stillness.hpp>
#include <parallelpipe/detail/traced_threads.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/stall.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace parallelpipe {

namespace detail {

inline void print_stall(const std::string& report) { std::cerr << report << std::flush; }

/// Which monitor's thread this is.
inline constinit thread_local const void* watching = nullptr;

}  // namespace detail

/// Watches a run: `pipe.execute(monitor)`, `pipe.results(monitor)`, `for_each`, `collect` alike,
/// each with a stop token behind it if you like. It outlives the run. One run at a time: a second
/// one is a `std::logic_error` before it starts. When the run is over it can watch another one.
///
///     Monitor monitor;
///     monitor.record().on_progress(1s, [&](const Statistics& now) { bar.update(now); });
///     pipe.execute(monitor);
///     write_html("run.html", monitor.stats());
///
/// The settings can be chained, and changed while no run is watched; then they throw
/// `std::logic_error`. An interval or a time that is not positive is `std::invalid_argument`.
/// Threads: stats() from any, at any time. One thread more for each run, if anything but stats() is
///   asked for. Callbacks run on that one, never two at a time. They may call stats(), cancel the
///   run, and anything else that does not wait for the run to end or for the Monitor.
/// Blocks: the end of a run waits for a callback that is at work.
/// Errors: what a callback throws ends the run with a TaskException of the task "monitor-0".
/// Cost: none to the stages, but for trace().
template <class...>
class BasicMonitor final : public detail::run_watcher {
public:
    BasicMonitor() = default;
    BasicMonitor(const BasicMonitor&) = delete;
    BasicMonitor& operator=(const BasicMonitor&) = delete;
    ~BasicMonitor() { join_idle(); }

    /// Fills `Statistics::samples`: first every `interval`; of a long run some 2,000 at most, which
    /// then lie further apart.
    BasicMonitor& record(std::chrono::nanoseconds interval = std::chrono::milliseconds(50)) {
        return set([&] { sample_every_ = checked(interval); });
    }

    /// Keeps when each worker waited, for write_trace(): the last `spans_per_worker` waits for
    /// input and as many for room. Records too.
    /// Cost: some nanoseconds a wait, and 32 bytes for each of the numbers.
    BasicMonitor& trace(std::size_t spans_per_worker = 4096) {
        if (spans_per_worker == 0)
            throw std::invalid_argument(
                "parallelpipe: trace(0) keeps nothing: leave it out, or write trace(4096)");
        return set([&] { spans_ = spans_per_worker; });
    }

    /// Calls `f` every `interval`, and once at the end, when all workers have ended.
    BasicMonitor& on_progress(std::chrono::nanoseconds interval,
                              std::function<void(const Statistics&)> f) {
        return set([&] {
            progress_every_ = checked(interval);
            progress_ = std::move(f);
        });
    }

    /// Calls `f` with stall_report() when nothing has moved for so long: nobody has taken an item
    /// or handed one on, no worker has ended, and nobody has taken a result. Once for each time
    /// that happens. Choose `after` longer than the longest work on a single item; a run whose
    /// source has nothing to say, or whose consumer looks elsewhere, stands still too, and the
    /// report says so.
    BasicMonitor& on_stall(std::chrono::nanoseconds after,
                           std::function<void(const std::string&)> f = detail::print_stall) {
        return set([&] {
            stall_after_ = checked(after);
            stall_ = std::move(f);
        });
    }

    /// The same, and the run ends with a TaskException of the task "watchdog-0", whose cause is a
    /// StallError with the report. As with every end, user code is not interrupted: the function
    /// that everybody waits for has to look at `this_worker::stop_token()`.
    BasicMonitor& cancel_on_stall(std::chrono::nanoseconds after) {
        return set([&] { cancel_after_ = checked(after); });
    }

    /// What happened so far; behind the run, also when its Results are gone, what happened at all.
    /// Nothing before the first run. With `samples`, if these are recorded.
    Statistics stats() const {
        const std::lock_guard lock(mutex_);
        return stats_now();
    }

    /// For write_trace().
    std::vector<detail::traced_thread> traced_threads() const {
        const std::lock_guard lock(mutex_);
        if (spans_ == 0)
            throw std::logic_error(
                "parallelpipe: there is no trace: call the Monitor's trace() before "
                "the run");
        if (spans_of_.empty()) return {};
        return run_ ? detail::make_trace(run_->stats(), times_of(*run_), spans_of_)
                    : detail::make_trace(last_, last_times_, spans_of_);
    }

private:
    using clock = std::chrono::steady_clock;
    using time = clock::time_point;

    static std::chrono::nanoseconds checked(std::chrono::nanoseconds interval) {
        if (interval <= std::chrono::nanoseconds(0))
            throw std::invalid_argument(
                "parallelpipe: a Monitor's interval has to be longer than 0: write record(50ms)");
        // A year is for ever, and can be added to the time of day.
        return std::min<std::chrono::nanoseconds>(interval, std::chrono::hours(24 * 365));
    }

    template <class F>
    BasicMonitor& set(F change) {
        // The thread of a run that was destroyed in a callback may still be in there.
        if (detail::watching != this) join_idle();
        const std::lock_guard lock(mutex_);
        if (is_reserved_ || detail::watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches a run; change its settings before "
                "the run, or behind its end");
        change();
        return *this;
    }

    /// Joins a thread that has no run any more.
    void join_idle() {
        const std::lock_guard joining(joining_);
        {
            const std::lock_guard lock(mutex_);
            if (run_) return;
        }
        if (thread_.joinable()) thread_.join();
    }

    // ---- the run's side ----

    void reserve(detail::run& run) override {
        const std::lock_guard lock(mutex_);
        if (is_reserved_ || detail::watching == this)
            throw std::logic_error(
                "parallelpipe: this Monitor watches another run; give each run that "
                "goes on at the same time a Monitor of its own");
        is_reserved_ = &run;
    }

    void begin(detail::run& run) override {
        join_idle();
        const std::lock_guard joining(joining_);
        const std::lock_guard lock(mutex_);
        const Statistics start = run.stats();
        last_ = {};
        spans_of_.clear();
        if (spans_ != 0) {
            for (const StageStatistics& stage : start.stages) make_spans(stage.workers);
            make_spans(1);
        }
        log_.reset();
        if (sample_every_ || spans_ != 0)
            log_.emplace(sample_every_.value_or(std::chrono::milliseconds(50)));
        if (log_) log_->add(start);
        is_ending_ = has_last_sample_ = has_thrown_ = false;
        run_ = &run;
        if (!log_ && !progress_ && !stall_after_ && !cancel_after_) return;
        try {
            thread_ = std::jthread([this] { watch(); });
        } catch (...) {
            run_ = nullptr;
            throw;
        }
    }

    detail::wait_spans* spans(std::size_t stage, std::size_t worker) noexcept override {
        return spans_of_.empty() ? nullptr : spans_of_[stage][worker].get();
    }

    void end(detail::run& run) noexcept override {
        // A callback that cancels the run: who takes the results comes by here too, or who destroys
        // them.
        if (detail::watching == this) return;
        const std::lock_guard joining(joining_);
        {
            const std::lock_guard lock(mutex_);
            if (run_ != &run) return;
            is_ending_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
        forget(run);
    }

    void release(detail::run& run) noexcept override {
        end(run);
        forget(run);  // not begun, or destroyed by a callback, or it did not start
    }

    void forget(detail::run& run) noexcept {
        const std::lock_guard lock(mutex_);
        if (is_reserved_ != &run) return;
        is_reserved_ = nullptr;
        if (run_ != &run) return;
        try {
            if (log_ && !has_last_sample_) log_->add(run_->stats());
            Statistics last = stats_now();
            if (spans_ != 0) last_times_ = times_of(*run_);
            last_ = std::move(last);
        } catch (...) {
            last_ = {};  // no memory for it
        }
        is_ending_ = true;  // for the monitor's own thread, if this is it
        run_ = nullptr;
    }

    void make_spans(std::size_t workers) {
        auto& stage = spans_of_.emplace_back();
        for (std::size_t i = 0; i < workers; ++i)
            stage.push_back(detail::owned(new detail::wait_spans(spans_)));
    }

    // ---- the monitor's thread ----

    void watch() noexcept {
        detail::watching = this;
        std::unique_lock lock(mutex_);
        std::exception_ptr error;
        try {
            watch(lock);
        } catch (...) {
            error = std::current_exception();  // no memory for a sample, or the like
        }
        if (!lock.owns_lock()) lock.lock();
        if (error) fail(lock, error);
    }

    void watch(std::unique_lock<std::mutex>& lock) {
        const time start = clock::now();
        time sample_at = log_ ? start + log_->interval() : time::max();
        time progress_at = progress_ ? start + *progress_every_ : time::max();
        time look_at = time::max();
        std::chrono::nanoseconds look_every{};
        if (stall_after_ || cancel_after_) {
            constexpr std::chrono::nanoseconds none = std::chrono::nanoseconds::max();
            look_every = std::clamp<std::chrono::nanoseconds>(
                std::min(stall_after_.value_or(none), cancel_after_.value_or(none)) / 8,
                std::chrono::milliseconds(1), std::chrono::seconds(1));
            look_at = start + look_every;
        }
        detail::stillness still(start);
        mark_ = 0;

        while (!is_ending_) {
            wake_.wait_until(lock, std::min({sample_at, progress_at, look_at}),
                             [this] { return is_ending_; });
            if (is_ending_) break;
            const time now = clock::now();
            if (now >= sample_at) {
                log_->add(run_->stats());
                sample_at = next(sample_at, log_->interval());
            }
            if (now >= look_at) {
                look(lock, still);
                look_at = clock::now() + look_every;
            }
            if (now >= progress_at && !is_ending_) {
                call(lock, [this, stats = stats_now()] { progress_(stats); });
                progress_at = next(progress_at, *progress_every_);
            }
        }
        if (run_ && log_) {
            log_->add(run_->stats());
            has_last_sample_ = true;
        }
        if (progress_) call(lock, [this, stats = stats_now()] { progress_(stats); });
    }

    /// The moment behind `due`; what was missed is left out.
    static time next(time due, std::chrono::nanoseconds interval) {
        return std::max(due, clock::now() - interval) + interval;
    }

    void look(std::unique_lock<std::mutex>& lock, detail::stillness& still) {
        still.look(run_->has_moved(mark_), clock::now());
        if (still.is_to_be_told(stall_after_))
            call(lock, [this, text = stall_report(run_->stats(), still.time_still())] {
                if (stall_) stall_(text);
            });
        if (is_ending_ || !still.is_to_be_cancelled(cancel_after_)) return;
        detail::run* const run = run_;
        const auto error =
            std::make_exception_ptr(StallError(stall_report(run->stats(), still.time_still())));
        lock.unlock();
        run->fail("watchdog", error);
        lock.lock();
    }

    /// A callback, without the lock. None after one that threw.
    template <class F>
    void call(std::unique_lock<std::mutex>& lock, F f) {
        if (has_thrown_) return;
        lock.unlock();
        std::exception_ptr error;
        try {
            f();
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        if (!error) return;
        has_thrown_ = true;
        fail(lock, error);
    }

    void fail(std::unique_lock<std::mutex>& lock, const std::exception_ptr& error) {
        detail::run* const run = run_;
        if (!run) return;  // a callback has destroyed it: nobody is there to be told
        lock.unlock();
        run->fail("monitor", error);
        lock.lock();
    }

    // ---- under mutex_ ----

    detail::thread_times times_of(const detail::run& run) const {
        detail::thread_times all;
        for (std::size_t i = 0; i < spans_of_.size(); ++i) {
            all.emplace_back();
            for (std::size_t k = 0; k < spans_of_[i].size(); ++k)
                all.back().push_back(run.times(i, k));
        }
        return all;
    }

    Statistics stats_now() const {
        if (!run_) return last_;
        Statistics all = run_->stats();
        if (log_) all.samples = log_->samples();
        return all;
    }

    std::mutex joining_;
    std::jthread thread_;  // under joining_

    mutable std::mutex mutex_;  // all that follows
    std::condition_variable wake_;
    std::optional<std::chrono::nanoseconds> sample_every_, progress_every_, stall_after_,
        cancel_after_;
    std::size_t spans_ = 0;  // 0: no trace
    std::function<void(const Statistics&)> progress_;
    std::function<void(const std::string&)> stall_;
    const detail::run* is_reserved_ = nullptr;  // by that run
    detail::run* run_ = nullptr;                // that goes on
    bool is_ending_ = false;
    bool has_last_sample_ = false;
    bool has_thrown_ = false;  // a callback
    std::uint64_t mark_ = 0;   // of the watchdog
    std::optional<detail::sample_log> log_;
    // By stage and worker. The workers write into them, and read nothing else here.
    detail::thread_spans spans_of_;
    Statistics last_;  // of the last run
    detail::thread_times last_times_;
};

/// The one there is: a template only so that programs without a Monitor do not compile it.
using Monitor = BasicMonitor<>;

}  // namespace parallelpipe

#endif
