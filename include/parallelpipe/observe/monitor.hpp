// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_MONITOR_HPP
#define PARALLELPIPE_OBSERVE_MONITOR_HPP

#include <parallelpipe/detail/observe/monitor_core.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

inline void print_stall(const std::string& report) { std::cerr << report << std::flush; }

}  // namespace detail

/// Watches a run: `pipe.execute(monitor)`; results(), for_each() and collect() take a Monitor too. A Monitor watches
/// one run at a time: starting a second one throws `std::logic_error`; after the end of a run it can watch another.
/// A run that outlives its Monitor continues unwatched.
///
///     Monitor monitor;
///     monitor.record().on_progress(1s, [&](const Statistics& now) { bar.update(now); });
///     pipe.execute(monitor);
///     write_html("run.html", monitor.stats());
///
/// The settings can be chained. They throw `std::logic_error` while a run is watched, and `std::invalid_argument` for
/// an interval that is not positive.
/// Threads: stats() from any thread at any time. If any setting is used, each run has one thread more; callbacks run
///   in that thread, never two at a time. A callback may call stats(), cancel the run, and do anything that does not
///   wait for the end of the run or for the Monitor.
/// Blocks: the end of a run waits until a running callback returns.
/// Errors: an exception in a callback ends the run with a TaskException of the task "monitor-0".
/// Cost: none for the stages, except with trace().
template <class...>
class BasicMonitor final : public detail::observer_handle {
public:
    BasicMonitor() : BasicMonitor(std::make_shared<detail::monitor_core<>>()) {}
    BasicMonitor(const BasicMonitor&) = delete;
    BasicMonitor& operator=(const BasicMonitor&) = delete;
    /// Stops watching; the run continues.
    /// Blocks: until a running callback returns.
    ~BasicMonitor() { core_.end_watch(); }

    /// Fills `Statistics::samples`, one every `interval`; a long run keeps some 2,000 samples, further apart.
    BasicMonitor& record(std::chrono::nanoseconds interval = std::chrono::milliseconds(50)) {
        return set([&](auto& settings) { settings.sample_every = checked(interval); });
    }

    /// Keeps the last `spans_per_worker` waits for input of each worker and as many waits for room, for write_trace().
    /// Includes record().
    /// Cost: some nanoseconds a wait; 32 bytes a worker for each span.
    BasicMonitor& trace(std::size_t spans_per_worker = 4096) {
        if (spans_per_worker == 0)
            throw std::invalid_argument(
                "parallelpipe: trace(0) keeps nothing: leave it out, or write trace(4096)");
        return set([&](auto& settings) { settings.kept_waits = spans_per_worker; });
    }

    /// Calls `f` every `interval` and once after all workers have ended.
    BasicMonitor& on_progress(std::chrono::nanoseconds interval,
                              std::function<void(const Statistics&)> f) {
        return set([&](auto& settings) {
            settings.progress_every = checked(interval);
            settings.progress = std::move(f);
        });
    }

    /// Calls `f` with stall_report() when the run has made no progress for `after`: no worker took an item, handed one
    /// over or ended, and no result was taken. Once for each such pause. Choose `after` longer than the longest work on
    /// one item. A silent source or a consumer that takes no results also causes a report, which says so.
    BasicMonitor& on_stall(std::chrono::nanoseconds after,
                           std::function<void(const std::string&)> f = detail::print_stall) {
        return set([&](auto& settings) {
            settings.stall_after = checked(after);
            settings.stall = std::move(f);
        });
    }

    /// Ends such a run with a TaskException of the task "watchdog-0", whose cause is a StallError with the report.
    /// User code is not interrupted: the function that the others wait for has to check `this_worker::stop_token()`.
    BasicMonitor& cancel_on_stall(std::chrono::nanoseconds after) {
        return set([&](auto& settings) { settings.cancel_after = checked(after); });
    }

    /// A snapshot of the run, or of the last run after its end, even if its Results are gone; empty before the first.
    Statistics stats() const { return core_.stats(); }

    /// Used by write_trace().
    detail::run_record record_of_trace() const { return core_.record(); }

private:
    using core = detail::monitor_core<>;

    explicit BasicMonitor(std::shared_ptr<core> made) : observer_handle(made), core_(*made) {}

    static std::chrono::nanoseconds checked(std::chrono::nanoseconds interval) {
        if (interval <= std::chrono::nanoseconds(0))
            throw std::invalid_argument(
                "parallelpipe: the interval of a Monitor must be longer than 0: write record(50ms)");
        // A year, which can be added to the time of day without overflow.
        return std::min<std::chrono::nanoseconds>(interval, std::chrono::hours(24 * 365));
    }

    template <class F>
    BasicMonitor& set(F change) {
        core_.set(std::move(change));
        return *this;
    }

    core& core_;
};

/// A template only so that programs without a Monitor do not compile it.
using Monitor = BasicMonitor<>;

}  // namespace parallelpipe

#endif
