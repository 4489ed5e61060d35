// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_STALL_DETECTOR_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_STALL_DETECTOR_HPP

#include <parallelpipe/detail/sync/primitives.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Measures how long a run has made no progress. The caller passes the time, so that tests can choose it.
class stall_detector {
public:
    using time = sync::steady_clock::time_point;

    explicit stall_detector(time start) : since_(start) {}

    /// Whether the run made progress up to `now`.
    void look(bool moved, time now) {
        now_ = now;
        if (!moved) return;
        since_ = now;
        was_told_ = false;
    }

    std::chrono::nanoseconds time_still() const { return now_ - since_; }

    /// Whether there was no progress for `limit`; true once for each stall.
    bool is_to_be_told(std::optional<std::chrono::nanoseconds> after) {
        return after && time_still() >= *after && !std::exchange(was_told_, true);
    }
    /// The same, true once in all.
    bool is_to_be_cancelled(std::optional<std::chrono::nanoseconds> after) {
        return after && time_still() >= *after && !std::exchange(was_cancelled_, true);
    }

private:
    time since_;
    time now_ = since_;
    bool was_told_ = false;
    bool was_cancelled_ = false;
};

}  // namespace parallelpipe::detail

#endif
