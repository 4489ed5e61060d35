// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_STALL_DETECTOR_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_STALL_DETECTOR_HPP

#include <chrono>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// How long nothing has moved, and whether that has been told. Time is handed in.
class stall_detector {
public:
    using time = std::chrono::steady_clock::time_point;

    explicit stall_detector(time start) : since_(start) {}

    /// Whether anybody has moved until `now`.
    void look(bool moved, time now) {
        now_ = now;
        if (!moved) return;
        since_ = now;
        was_told_ = false;
    }

    std::chrono::nanoseconds time_still() const { return now_ - since_; }

    /// Whether it has been that long, once for each time that happens.
    bool is_to_be_told(std::optional<std::chrono::nanoseconds> after) {
        return after && time_still() >= *after && !std::exchange(was_told_, true);
    }
    /// The same, once.
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
