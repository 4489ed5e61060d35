// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_FAILURE_HPP
#define PARALLELPIPE_DETAIL_WORKER_FAILURE_HPP

// What the library throws through a stage function.

#include <parallelpipe/detail/base/config.hpp>

#include <exception>

namespace parallelpipe::inline v0::detail {

/// Unwinds a stage function that asks for its next item after the run was stopped; the worker catches it. Not a
/// std::exception, so that `catch (const std::exception&)` in user code does not stop it.
struct PARALLELPIPE_VISIBLE stop_unwind {};

/// Thrown by a stage whose dead-letter handler threw. Stops the run, whatever `on_error` is.
struct PARALLELPIPE_VISIBLE handler_failure {
    std::exception_ptr cause;
};

}  // namespace parallelpipe::detail

#endif
