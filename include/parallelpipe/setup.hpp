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
    /// The failing worker is lost, everything else runs to its end, all results are delivered, then
    /// the error. When all workers of the stage are lost, the rest of its input is ignored.
    finish,
    /// Per-item verbs only: the item is dropped and counted.
    skip
};

/// How often an item that failed is tried again before `on_error` applies. Per-item verbs only.
/// An item that is tried again must still be whole: it is handed to the function as an lvalue, or
/// copied when the function takes it by value.
struct Retry {
    /// Attempts after the first.
    std::size_t times = 3;
    /// The wait before the first of them; doubled before each further one, with jitter. The wait ends
    /// at once when the run stops.
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
    /// No worker begins an item that comes more than four times `qsize` after the earliest one that is not done (but
    /// 256 for each worker may be begun), unless `qsize` is 0: so memory stays bounded while one item is slow, also
    /// where the others have no results.
    /// With an error of the stage, the results before the failing item go on to the end; else the run stops at once.
    /// Default: no; with one worker the results leave in order anyway.
    std::optional<bool> ordered = std::nullopt;
    /// The name in errors, statistics and of OS threads. Default `stage_K`, K = position from 0, for what
    /// `stage` and `map_stage` make; what it is and its position for a ready-made stage: `batch_2`.
    std::optional<std::string> name = std::nullopt;
    /// What an exception means for the run. Default OnError::stop.
    std::optional<OnError> on_error = std::nullopt;
    /// Whether and how a failed item is tried again. Default: not.
    std::optional<Retry> retry = std::nullopt;
};

}  // namespace parallelpipe

#endif
