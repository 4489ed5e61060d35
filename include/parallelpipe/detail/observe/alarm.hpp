// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_ALARM_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_ALARM_HPP

#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <chrono>

namespace parallelpipe::inline v0::detail {

/// A moment that comes again and again. The caller passes the time in.
class alarm {
public:
    using time = sync::steady_clock::time_point;
    using interval = std::chrono::nanoseconds;

    /// Never comes.
    alarm() = default;
    alarm(time start, interval after) : at_(start + after) {}

    time at() const { return at_; }
    bool is_due(time now) const { return now >= at_; }
    /// To the next moment of a regular series; skips the moments that were missed until `now`.
    void advance(interval every, time now) { at_ = std::max(at_, now - every) + every; }

private:
    time at_ = time::max();
};

}  // namespace parallelpipe::detail

#endif
