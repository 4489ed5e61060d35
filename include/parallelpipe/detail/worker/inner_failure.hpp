// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_INNER_FAILURE_HPP
#define PARALLELPIPE_DETAIL_WORKER_INNER_FAILURE_HPP

// Which stage threw an exception, and what the exception says about the run.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/setup.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>

namespace parallelpipe::inline v0::detail {

/// Thrown by a fused stage: the name of the stage inside it that failed, and the cause.
struct PARALLELPIPE_VISIBLE inner_failure {
    std::string stage;
    std::exception_ptr cause;
    bool stops_run = false;  // a dead-letter handler threw
    bool in_order = false;   // earlier results have gone through the later stages
    bool run_goes_on = false;  // a range with OnError::finish threw, which the stage reads itself
};

/// The exception being handled as a failure of the stage `name`. An inner_failure stays as it is.
inline inner_failure inner_failure_of(std::string_view name) {
    try {
        throw;
    } catch (const inner_failure& inner) {
        return inner;
    } catch (const handler_failure& handler) {
        return {std::string(name), handler.cause, true};
    } catch (...) {
        return {std::string(name), std::current_exception()};
    }
}

/// Whether results from before an error of `worker` still go through the later stages: they do if its stage, or a
/// fused stage around that one, is ordered or has OnError::finish.
inline bool fails_in_order(const worker_identity* worker, bool stops_run) {
    for (; worker; worker = worker->host) {
        if (!worker->setup) continue;
        const Setup& setup = *worker->setup;
        if (setup.ordered.value_or(false) || (setup.on_error == OnError::finish && !stops_run)) return true;
    }
    return false;
}

/// The exception being handled as a failure of `worker`, whose stage is inside a fused one.
inline inner_failure inner_failure_of(const worker_identity& worker) {
    inner_failure failure = inner_failure_of(worker.stage);
    failure.in_order = failure.in_order || fails_in_order(&worker, failure.stops_run);
    return failure;
}

/// Reports that the calling thread's run was unwound by another run, whose items it reads. A worker of that other
/// run is unwound, too; any other thread gets a CancelledError.
[[noreturn]] inline void throw_unwound() {
    if (current_worker) throw stop_unwind();
    throw CancelledError();
}

/// Whether `cause` says only that a run was stopped, this one or one that a stage started.
inline bool says_cancelled(const std::exception_ptr& cause) {
    try {
        std::rethrow_exception(cause);
    } catch (const CancelledError&) {
        return true;
    } catch (const TaskException& failed) {
        return std::all_of(failed.errors().begin(), failed.errors().end(),
                           [](const TaskError& error) { return says_cancelled(error.cause()); });
    } catch (...) {
        return false;
    }
}

}  // namespace parallelpipe::detail

#endif
