// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_FAILURE_HPP
#define PARALLELPIPE_DETAIL_WORKER_FAILURE_HPP

// What a worker throws through a stage function, beside the exceptions of the user.

#include <exception>

namespace parallelpipe::inline v0::detail {

/// Thrown through a stage function that asks for its next item after the run was stopped: the way to
/// unwind it where it stands. Deliberately not a std::exception. Its worker catches it.
struct stop_unwind {};

/// Thrown by a stage whose dead-letter handler threw: stops the run, whatever `on_error` is.
struct handler_failure {
    std::exception_ptr cause;
};

}  // namespace parallelpipe::detail

#endif
