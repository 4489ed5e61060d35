// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_SETUP_HPP
#define PARALLELPIPE_SETUP_HPP

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace parallelpipe::inline v0 {

/// What a worker's exception means for the run.
enum class OnError {
    /// The run stops. The default.
    stop,
    /// The failing worker is lost; all others run to their end and all their results arrive; then the consumer gets
    /// the error. When all workers of the stage are lost, the rest of its input is ignored.
    finish,
    /// ItemStages only, such as `map_stage` makes: the item is dropped and counted.
    skip
};

/// How often an item that failed is tried again before `on_error` applies. ItemStages only.
/// The item has to stay whole for that: the function gets it as an lvalue, or a copy of it where the function takes
/// it by value.
struct Retry {
    /// Attempts after the first.
    std::size_t times = 3;
    /// The wait before the second attempt; doubled before each further one, with jitter. The wait ends at once when
    /// the run stops.
    std::chrono::nanoseconds backoff = std::chrono::milliseconds(10);
};

/// The settings of a stage, for designated initialisers: `{.workers = 4, .qsize = 100}`.
/// Every field is optional; a field left out keeps its value.
struct Setup {
    /// Threads of the stage. Default 1.
    std::optional<std::size_t> workers = std::nullopt;
    /// How many results of the stage may wait in its output queue; 0 is unlimited.
    /// Default: bounded, never more than 1024.
    std::optional<std::size_t> qsize = std::nullopt;
    /// Whether results leave in the order of the stage's input, whatever the workers' timing.
    /// Memory stays bounded while one item is slow: no worker begins an item more than 4 * `qsize` items after the
    /// earliest one that is not done, or 256 * `workers` if that is more. With `qsize` 0 there is no bound.
    /// When a stage throws, the results of the items before the failing one still reach the consumer.
    /// Default: no; a single worker keeps the order anyway.
    std::optional<bool> ordered = std::nullopt;
    /// The name in errors, in statistics and of OS threads. Default `stage_K`, K = position from 0, for `stage` and
    /// `map_stage`; the function and the position for another ready-made stage: `batch_2`.
    std::optional<std::string> name = std::nullopt;
    /// What an exception means for the run. Default OnError::stop.
    std::optional<OnError> on_error = std::nullopt;
    /// Whether and how a failed item is tried again. Default: it is not.
    std::optional<Retry> retry = std::nullopt;
};

}  // namespace parallelpipe

#endif
