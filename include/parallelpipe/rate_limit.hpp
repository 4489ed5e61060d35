// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_RATE_LIMIT_HPP
#define PARALLELPIPE_RATE_LIMIT_HPP

#include <parallelpipe/detail/sync/paced_queue.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/this_worker.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

namespace parallelpipe::inline v0 {

/// Items per interval: `{100, 1s}`.
struct Rate {
    std::size_t items = 1;
    std::chrono::nanoseconds per = std::chrono::seconds(1);
};

namespace detail {

/// The nanoseconds between two items; less than 0 for a rate that lets nothing pass.
inline double interval_of(Rate rate) {
    constexpr std::size_t negative = std::numeric_limits<std::size_t>::max() / 2;
    const bool is_positive = rate.items != 0 && rate.items <= negative && rate.per.count() > 0;
    return is_positive ? static_cast<double>(rate.per.count()) / static_cast<double>(rate.items) : -1;
}
inline double interval_of(double per_second) { return per_second > 0 ? 1e9 / per_second : -1; }

/// `what`: the class or the stage that has the rate, for the messages.
inline pace checked_pace(const std::string& what, double interval, std::size_t burst) {
    constexpr std::size_t negative = std::numeric_limits<std::size_t>::max() / 2;
    if (!(interval >= 0) || !std::isfinite(interval))
        throw std::invalid_argument("parallelpipe: the rate of " + what + " is not positive; write " + what +
                                    "({100, 1s}), or " + what + "(100.0) for 100 items a second");
    if (burst == 0 || burst > negative)
        throw std::invalid_argument("parallelpipe: the burst of " + what + " is " +
                                    (burst == 0 ? "0" : "negative") + "; a burst of 1 lets items leave one by one");
    return pace(interval, burst);
}

}  // namespace detail

/// A limit to the rate at which callers pass wait(): for the calls of a function, for stages, pipelines and threads.
/// Shape: a value; copies share one limit. After a pause at most `burst` callers pass at once, then one in each
///   `rate.per / rate.items`: in any time t at most burst + t * rate. The rate stays exact over time: after a late
///   wake-up the next callers pass earlier, by a tenth of a second at most.
/// Threads: any, also at once; callers pass in the order in which they came.
/// Errors: `std::invalid_argument` for a rate or a burst that is 0 or negative.
///
///     RateLimit limit({100, 1s});
///     auto fetched = map_stage({.workers = 4, .retry = Retry{.times = 2}},
///                              [limit](const std::string& url) { limit.wait(); return fetch(url); });
class RateLimit {
public:
    /// With a rate: `RateLimit limit({100, 1s})`.
    explicit RateLimit(Rate rate, std::size_t burst = 1)
        : RateLimit(detail::checked_pace("RateLimit", detail::interval_of(rate), burst)) {}
    /// With a number of items per second.
    explicit RateLimit(double per_second, std::size_t burst = 1)
        : RateLimit(detail::checked_pace("RateLimit", detail::interval_of(per_second), burst)) {}

    // No moves: a RateLimit that was moved from still refers to its limit.
    RateLimit(const RateLimit&) = default;
    RateLimit& operator=(const RateLimit&) = default;

    /// Waits until the caller may pass.
    /// Blocks: until then; in a stage function at most until the run is stopped. The stop unwinds the function, so that
    ///   must not be `noexcept`.
    void wait() const {
        if (!queue_->wait(this_worker::stop_token(), {})) throw detail::stop_unwind{};
    }
    /// The same until `stop` is requested at the latest.
    /// Returns: whether the caller may pass; if not, the next caller takes its turn.
    [[nodiscard]] bool wait(const std::stop_token& stop) const {
        const std::stop_token run = this_worker::stop_token();
        const bool may_pass = queue_->wait(run, stop);
        if (!may_pass && run.stop_requested()) throw detail::stop_unwind{};
        return may_pass;
    }

    /// For the library.
    explicit RateLimit(const detail::pace& pace) : queue_(std::make_shared<detail::paced_queue>(pace)) {}

private:
    std::shared_ptr<detail::paced_queue> queue_;
};

}  // namespace parallelpipe

#endif
