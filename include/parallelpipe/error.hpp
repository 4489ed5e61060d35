// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_ERROR_HPP
#define PARALLELPIPE_ERROR_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/describe.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

/// What one worker threw: where it happened and the exception itself.
class PARALLELPIPE_VISIBLE TaskError {
public:
    TaskError(std::string stage, std::size_t worker, std::exception_ptr cause,
              std::optional<std::uint64_t> item = {})
        : stage_(std::move(stage)),
          task_(stage_ + '-' + std::to_string(worker)),
          message_(detail::describe(cause)),
          worker_(worker),
          item_(item),
          cause_(std::move(cause)) {}

    /// The worker's name, `add_one-0`.
    const std::string& task() const noexcept { return task_; }
    /// The stage's name, `add_one`.
    const std::string& stage() const noexcept { return stage_; }
    /// The worker's index in its stage, from 0.
    std::size_t worker() const noexcept { return worker_; }
    /// Which item failed: its number in the input of the stage, from 0; if stage() is inside a fused stage, in the input
    /// of that. After the end of the items it is the last one. Empty unless the stage is ordered, and before the
    /// first item of the worker.
    std::optional<std::uint64_t> item() const noexcept { return item_; }
    /// Type and text, `std::invalid_argument: failed at 200`.
    const std::string& message() const noexcept { return message_; }
    /// The exception as it was thrown; never null.
    const std::exception_ptr& cause() const noexcept { return cause_; }
    /// Throws the original exception, with its own type.
    [[noreturn]] void rethrow_cause() const { std::rethrow_exception(cause_); }

private:
    std::string stage_;
    std::string task_;
    std::string message_;
    std::size_t worker_;
    std::optional<std::uint64_t> item_;
    std::exception_ptr cause_;
};

/// What the consumer gets when a stage throws.
/// Shape: `what()`, `task()`, `stage()`, `worker()` and `cause()` are those of the error that was reported first;
///   `errors()` lists all errors in the order in which they were reported.
/// Threads: immutable; copies share their contents and never throw.
class PARALLELPIPE_VISIBLE TaskException : public std::runtime_error {
public:
    /// `errors` must not be empty.
    explicit TaskException(std::vector<TaskError> errors)
        : std::runtime_error(summary(errors)),
          errors_(new std::vector<TaskError>(std::move(errors))) {}

    const std::string& task() const noexcept { return first().task(); }
    const std::string& stage() const noexcept { return first().stage(); }
    std::size_t worker() const noexcept { return first().worker(); }
    const std::exception_ptr& cause() const noexcept { return first().cause(); }
    [[noreturn]] void rethrow_cause() const { first().rethrow_cause(); }
    const std::vector<TaskError>& errors() const noexcept { return *errors_; }

private:
    const TaskError& first() const noexcept { return errors_->front(); }

    static std::string summary(const std::vector<TaskError>& errors) {
        const TaskError& first = errors.front();
        if (errors.size() == 1)
            return "The task \"" + first.task() + "\" raised " + first.message();
        return std::to_string(errors.size()) +
               " tasks raised an exception. First error reported on task \"" + first.task() +
               "\": " + first.message();
    }

    std::shared_ptr<const std::vector<TaskError>> errors_;
};

/// The run was stopped by a `stop_token` or by `cancel()` before its end.
class PARALLELPIPE_VISIBLE CancelledError : public std::runtime_error {
public:
    CancelledError()
        : std::runtime_error("parallelpipe: the run was cancelled before its last result") {}
};

/// The cause with which a Monitor's watchdog ends a run in which nothing has moved for too long. `what()` says what
/// each stage waits for.
class PARALLELPIPE_VISIBLE StallError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `execute()` was asked for the last result of a run that had none.
class PARALLELPIPE_VISIBLE NoResultError : public std::runtime_error {
public:
    NoResultError()
        : std::runtime_error(
              "parallelpipe: the pipeline ended without a result; where that is no error, loop over results()") {}
};

}  // namespace parallelpipe

#endif
