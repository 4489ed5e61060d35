// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_THROTTLE_HPP
#define PARALLELPIPE_STAGES_THROTTLE_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

/// Items per interval, for `throttle`: `{100, 1s}`.
struct Rate {
    std::size_t items = 1;
    std::chrono::nanoseconds per = std::chrono::seconds(1);
};

namespace detail {

/// When items may leave. Item number k behind a pause is due at pause + k * interval, computed anew
/// for each: no error adds up. `burst` items may be ahead of that.
class pace {
public:
    using clock = sync::steady_clock;

    /// `interval` in nanoseconds.
    pace(double interval, std::size_t burst)
        : interval_(interval), ahead_(static_cast<double>(burst - 1) * interval) {}

    /// Takes the next item's place in time, for one that came at `now`.
    /// Returns: when it may leave.
    clock::time_point next(clock::time_point now) {
        // Nothing is saved up in a pause but the burst. What a late wake-up cost is no pause, unless it was so
        // late that the machine itself must have paused.
        if (count_ == 0 || now > due() + late_) {
            start_ = now;
            count_ = 0;
            late_ = {};
        }
        const double leaves = static_cast<double>(count_) * interval_ - ahead_;
        ++count_;
        return start_ + duration(leaves);
    }

    void woke_up_late(clock::duration late) {
        late_ = std::clamp<clock::duration>(late, clock::duration::zero(), most_late);
    }

private:
    static std::chrono::nanoseconds duration(double nanoseconds) {
        // Rounded up: never early. A century is for ever.
        constexpr double longest = 3e18;
        return std::chrono::nanoseconds(
            static_cast<std::chrono::nanoseconds::rep>(std::ceil(std::min(nanoseconds, longest))));
    }

    clock::time_point due() const { return start_ + duration(static_cast<double>(count_) * interval_); }

    static constexpr std::chrono::milliseconds most_late{100};

    double interval_;
    double ahead_;
    clock::time_point start_{};
    std::size_t count_ = 0;  // items since start_
    clock::duration late_{};
};

struct throttle_function {
    double interval;
    std::size_t burst;

    template <class In>
    generator<In> operator()(Input<In> items) const {
        check_one_worker("throttle");
        pace when(interval, burst);
        for (In& item : items) {
            const auto now = pace::clock::now();
            if (const auto leaves = when.next(now); leaves > now) {
                wait_until(leaves);
                when.woke_up_late(pace::clock::now() - leaves);
            }
            co_yield std::move(item);
        }
    }
};
template <>
inline constexpr const char* kind_of<throttle_function> = "throttle";

template <class... Later>
auto make_throttle(Setup setup, double interval, std::size_t burst) {
    if (!(interval >= 0) || !std::isfinite(interval))
        throw std::invalid_argument(
            "parallelpipe: the rate of throttle is not positive: write throttle({100, 1s}), or "
            "throttle(100.0) for 100 items a second");
    if (burst == 0)
        throw std::invalid_argument(
            "parallelpipe: the burst of throttle is 0: 1 lets items leave one by one");
    return detail::make_stage<function_maker, throttle_function, Later...>(
        one_worker("throttle", std::move(setup)), throttle_function{interval, burst}, std::tuple<>());
}

}  // namespace detail

/// Makes a stage that lets no more than `rate` items pass: `throttle({100, 1s})`.
/// Shape: the items, moved, in order. At most `burst` leave at once after a pause; then one each
///   `rate.per / rate.items`. Over any time t no more than burst + t * rate leave. The rate is kept exactly
///   over time: where the machine woke this stage late, the next items make up for it, for a tenth of a
///   second at most. One worker.
/// Blocks: until an item may leave, or the run stops.
/// Errors: `std::invalid_argument` for a rate or a burst of 0, and for several workers.
template <class... Later>
auto throttle(Setup setup, Rate rate, std::size_t burst = 1) {
    const bool valid = rate.items != 0 && rate.per > std::chrono::nanoseconds(0);
    return detail::make_throttle<Later...>(
        std::move(setup),
        valid ? static_cast<double>(rate.per.count()) / static_cast<double>(rate.items) : -1, burst);
}
template <class... Later>
auto throttle(Rate rate, std::size_t burst = 1) {
    return throttle<Later...>(Setup{}, rate, burst);
}

/// The same with a number of items per second.
template <class... Later>
auto throttle(Setup setup, double per_second, std::size_t burst = 1) {
    return detail::make_throttle<Later...>(std::move(setup), per_second > 0 ? 1e9 / per_second : -1, burst);
}
template <class... Later>
auto throttle(double per_second, std::size_t burst = 1) {
    return throttle<Later...>(Setup{}, per_second, burst);
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, detail::anything)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, Rate)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, detail::anything, std::size_t)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, Rate, std::size_t)

}  // namespace parallelpipe

#endif
