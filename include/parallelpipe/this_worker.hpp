// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_THIS_WORKER_HPP
#define PARALLELPIPE_THIS_WORKER_HPP

#include <parallelpipe/detail/worker/identity.hpp>

#include <cstddef>
#include <stop_token>
#include <string_view>

namespace parallelpipe::inline v0 {

/// What a stage function can ask about the worker that runs it.
/// Threads: each function answers for the calling thread. On a thread that is no worker, as in a unit test that calls
///   the stage function itself, the answers are 0, "" and a token that never stops.
namespace this_worker {

/// The worker's index in its stage, from 0.
inline std::size_t index() noexcept {
    return detail::current_worker ? detail::current_worker->index : 0;
}

/// The name of the worker's stage; valid while the stage function runs.
inline std::string_view stage_name() noexcept {
    return detail::current_worker ? detail::current_worker->stage : std::string_view();
}

/// A token for code that waits by itself: its stop is requested when this worker's results are not needed any more,
/// because the run was stopped or cancelled, the consumer left, or all workers of a later stage have returned.
inline std::stop_token stop_token() noexcept {
    return detail::current_worker ? std::stop_token(detail::current_worker->stop) : std::stop_token();
}

}  // namespace this_worker

}  // namespace parallelpipe

#endif
