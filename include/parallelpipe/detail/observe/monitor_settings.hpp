// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_MONITOR_SETTINGS_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_MONITOR_SETTINGS_HPP

#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace parallelpipe::inline v0::detail {

/// What a Monitor does. Null: not that.
struct monitor_settings {
    std::optional<std::chrono::nanoseconds> sample_every{}, progress_every{}, stall_after{}, cancel_after{};
    std::size_t kept_waits = 0;
    std::function<void(const Statistics&)> progress{};
    std::function<void(const std::string&)> stall{};

    bool has_watchdog() const { return stall_after || cancel_after; }
    /// How often the watchdog looks: eight times before it acts, but at least every second.
    std::chrono::nanoseconds look_every() const {
        constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();
        return std::clamp<std::chrono::nanoseconds>(
            std::min(stall_after.value_or(never), cancel_after.value_or(never)) / 8,
            std::chrono::milliseconds(1), std::chrono::seconds(1));
    }
};

}  // namespace parallelpipe::detail

#endif
