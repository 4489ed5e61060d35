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

/// Watches a run: `pipe.execute(monitor)`, `pipe.results(monitor)`, `for_each`, `collect` alike,
/// each with a stop token after it if you like. One run at a time: a second one is a
/// `std::logic_error` before it starts. When the run is over it can watch another one. A run that
/// outlives its Monitor goes on unwatched.
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
class BasicMonitor final : public detail::observer_handle {
public:
    BasicMonitor() : BasicMonitor(std::make_shared<detail::monitor_core<>>()) {}
    BasicMonitor(const BasicMonitor&) = delete;
    BasicMonitor& operator=(const BasicMonitor&) = delete;
    /// Ends the watch, if the run still goes on; the run itself goes on.
    /// Blocks: for a callback that is at work.
    ~BasicMonitor() { core_.end_watch(); }

    /// Fills `Statistics::samples`: first every `interval`; of a long run some 2,000 at most, which
    /// then lie further apart.
    BasicMonitor& record(std::chrono::nanoseconds interval = std::chrono::milliseconds(50)) {
        return set([&](auto& settings) { settings.sample_every = checked(interval); });
    }

    /// Keeps when each worker waited, for write_trace(): the last `spans_per_worker` waits for
    /// input and as many for room. Records too.
    /// Cost: some nanoseconds a wait, and 32 bytes for each of the numbers.
    BasicMonitor& trace(std::size_t spans_per_worker = 4096) {
        if (spans_per_worker == 0)
            throw std::invalid_argument(
                "parallelpipe: trace(0) keeps nothing: leave it out, or write trace(4096)");
        return set([&](auto& settings) { settings.kept_waits = spans_per_worker; });
    }

    /// Calls `f` every `interval`, and once at the end, when all workers have ended.
    BasicMonitor& on_progress(std::chrono::nanoseconds interval,
                              std::function<void(const Statistics&)> f) {
        return set([&](auto& settings) {
            settings.progress_every = checked(interval);
            settings.progress = std::move(f);
        });
    }

    /// Calls `f` with stall_report() when nothing has moved for so long: no worker has taken an item,
    /// handed one on or ended, and no result was taken. Once for each time that happens. Choose `after` longer than the longest work on a single item; a run whose
    /// source has nothing to say, or whose consumer looks elsewhere, stands still too, and the
    /// report says so.
    BasicMonitor& on_stall(std::chrono::nanoseconds after,
                           std::function<void(const std::string&)> f = detail::print_stall) {
        return set([&](auto& settings) {
            settings.stall_after = checked(after);
            settings.stall = std::move(f);
        });
    }

    /// The same, and the run ends with a TaskException of the task "watchdog-0", whose cause is a
    /// StallError with the report. As with every end, user code is not interrupted: the function
    /// that all others wait for has to look at `this_worker::stop_token()`.
    BasicMonitor& cancel_on_stall(std::chrono::nanoseconds after) {
        return set([&](auto& settings) { settings.cancel_after = checked(after); });
    }

    /// What happened so far; after the run, also when its Results are gone, what happened at all.
    /// Nothing before the first run. With `samples`, if these are recorded.
    Statistics stats() const { return core_.stats(); }

    /// For write_trace().
    detail::run_record record_of_trace() const { return core_.record(); }

private:
    using core = detail::monitor_core<>;

    explicit BasicMonitor(std::shared_ptr<core> made) : observer_handle(made), core_(*made) {}

    static std::chrono::nanoseconds checked(std::chrono::nanoseconds interval) {
        if (interval <= std::chrono::nanoseconds(0))
            throw std::invalid_argument(
                "parallelpipe: a Monitor's interval has to be longer than 0: write record(50ms)");
        // A year is for ever, and can be added to the time of day.
        return std::min<std::chrono::nanoseconds>(interval, std::chrono::hours(24 * 365));
    }

    template <class F>
    BasicMonitor& set(F change) {
        core_.set(std::move(change));
        return *this;
    }

    core& core_;
};

/// The one there is: a template only so that programs without a Monitor do not compile it.
using Monitor = BasicMonitor<>;

}  // namespace parallelpipe

#endif
