// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_DELAYS_HPP
#define PARALLELPIPE_TESTING_DELAYS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace parallelpipe::inline v0::testing {

/// How run_with_delays() disturbs a run, for designated initialisers: `{.seed = 7, .workers = 4}`.
struct Delays {
    /// Each worker has a sequence of delays of its own, the same for the same seed. The machine still decides how the
    /// threads meet: a seed that failed fails again often, not always.
    std::uint64_t seed = 1;
    /// No delay is longer, except for the time that the system adds to a sleep. Half of the delays are zero, and most
    /// others only yield the core to another thread.
    std::chrono::nanoseconds longest = std::chrono::microseconds(200);
    /// As in Setup. 3 for a stage function; a Stage or a Pipeline keeps what it has.
    std::optional<std::size_t> workers = std::nullopt;
    /// As in Setup. 2 for a stage function; a Stage or a Pipeline keeps what it has.
    std::optional<std::size_t> qsize = std::nullopt;
    /// As in Setup.
    std::optional<bool> ordered = std::nullopt;
};

}  // namespace parallelpipe::testing

#endif
