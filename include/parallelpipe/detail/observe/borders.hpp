// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_BORDERS_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_BORDERS_HPP

// The borders between the verdicts. They are judgements, checked by benchmarks/verdicts.

#include <chrono>
#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// In a shorter run, starting the threads is most of what was measured.
inline constexpr std::chrono::nanoseconds shortest_run = std::chrono::milliseconds(5);
/// A stage with less work per item, over this many items, spends less on the item than on handing it over.
inline constexpr double cost_of_hop = 200e-9;  // seconds
inline constexpr std::uint64_t many_items = 1000;
/// What a sleep and a wake-up between two items cost, roughly.
inline constexpr double cost_of_sleep = 5e-6;  // seconds
inline constexpr double clearly_busy = 0.85;
inline constexpr double mostly_busy = 0.5;
/// The smallest share of waiting that is not noise.
inline constexpr double noticeable = 0.2;
inline constexpr double equally_busy = 0.07;
inline constexpr double all_of_the_machine = 0.9;
/// A stage function whose share of (time on a core / time busy) is lower waits by itself.
inline constexpr double waits_inside = 0.3;
/// The share of its busy time that it must wait by itself, where the time without a core is known.
inline constexpr double waits_long = 0.25;

}  // namespace parallelpipe::detail

#endif
