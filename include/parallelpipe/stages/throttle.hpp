// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_THROTTLE_HPP
#define PARALLELPIPE_STAGES_THROTTLE_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/rate_limit.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

struct throttle_function {
    pace own;                         // each run has a RateLimit of its own
    std::optional<RateLimit> shared;  // or uses this one

    template <class In>
    generator<In> operator()(Input<In> items) const {
        check_one_worker("throttle");
        const RateLimit limit = shared ? *shared : RateLimit(own);
        for (In& item : items) {
            limit.wait();
            co_yield std::move(item);
        }
    }
};
template <>
inline constexpr const char* kind_of<throttle_function> = "throttle";

template <class... Later>
auto make_throttle(Setup setup, throttle_function function) {
    return detail::make_stage<function_maker, throttle_function, Later...>(
        one_worker("throttle", std::move(setup)), std::move(function), std::tuple<>());
}

}  // namespace detail

/// Makes a stage that lets no more than `rate` items pass: `throttle({100, 1s})`.
/// Shape: the items, moved, in order, at the times at which a RateLimit with this rate and burst lets them pass. Each
///   run has a limit of its own. One worker. (A `retry` in the next stage is not limited: for that, call
///   RateLimit::wait() in its function.)
/// Blocks: until an item may pass, or the run stops.
/// Errors: `std::invalid_argument` for a rate or a burst that is 0 or negative, and for several workers.
template <class... Later>
auto throttle(Setup setup, Rate rate, std::size_t burst = 1) {
    return detail::make_throttle<Later...>(
        std::move(setup), {detail::checked_pace("throttle", detail::interval_of(rate), burst), {}});
}
template <class... Later>
auto throttle(Rate rate, std::size_t burst = 1) {
    return throttle<Later...>(Setup{}, rate, burst);
}

/// The same with a number of items per second.
template <class... Later>
auto throttle(Setup setup, double per_second, std::size_t burst = 1) {
    return detail::make_throttle<Later...>(
        std::move(setup), {detail::checked_pace("throttle", detail::interval_of(per_second), burst), {}});
}
template <class... Later>
auto throttle(double per_second, std::size_t burst = 1) {
    return throttle<Later...>(Setup{}, per_second, burst);
}

/// The same under a shared limit: other stages, other runs and functions that call `limit.wait()` count, too.
///
///     RateLimit limit({100, 1s});
///     auto first = urls | throttle(limit) | map_stage(fetch);
///     auto second = more_urls | throttle(limit) | map_stage(fetch);  // both together: 100 in a second
template <class... Later>
auto throttle(Setup setup, const RateLimit& limit) {
    return detail::make_throttle<Later...>(std::move(setup), {detail::pace(0, 1), limit});
}
template <class... Later>
auto throttle(const RateLimit& limit) {
    return throttle<Later...>(Setup{}, limit);
}
template <class... Later>
auto throttle(const RateLimit&, std::size_t) {  // auto: the message comes before an error of what follows
    static_assert(detail::never<Later...>, "parallelpipe: a RateLimit has its own burst; write throttle(limit), and "
                                           "the burst where the limit is made: RateLimit limit({100, 1s}, 10)");
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, detail::anything)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, Rate)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, detail::anything, std::size_t)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(throttle, Rate, std::size_t)

}  // namespace parallelpipe

#endif
