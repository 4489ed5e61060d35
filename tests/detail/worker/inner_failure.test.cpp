#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/setup.hpp>

#include "support/catch.hpp"

#include <exception>
#include <stdexcept>

namespace detail_inner_failure_tests {

using namespace parallelpipe;
using detail::inner_failure;

namespace {

template <class Thrown>
inner_failure failure_at(Thrown thrown, const char* stage) {
    try {
        throw thrown;
    } catch (...) {
        return detail::inner_failure_of(stage);
    }
}

template <class Thrown>
std::exception_ptr task_error(Thrown cause) {
    return std::make_exception_ptr(TaskException({TaskError("stage", 0, std::make_exception_ptr(cause))}));
}

}  // namespace

TEST_CASE("an exception is a failure of the stage that it leaves", "[inner_failure]") {
    const inner_failure failure = failure_at(std::runtime_error("no"), "parse");
    CHECK(failure.stage == "parse");
    CHECK_FALSE(failure.stops_run);
    CHECK_THROWS_AS(std::rethrow_exception(failure.cause), std::runtime_error);
}

TEST_CASE("a failure of a stage inside a fused one keeps the name of that stage", "[inner_failure]") {
    CHECK(failure_at(failure_at(1, "inside"), "around").stage == "inside");
}

TEST_CASE("a failure of a dead-letter handler stops the run", "[inner_failure]") {
    const inner_failure failure =
        failure_at(detail::handler_failure{std::make_exception_ptr(std::logic_error("no"))}, "parse");
    CHECK(failure.stops_run);
    CHECK_THROWS_AS(std::rethrow_exception(failure.cause), std::logic_error);
}

TEST_CASE("a failure is in order where a stage around it is ordered or has OnError::finish", "[inner_failure]") {
    Setup around;
    const Setup inside;
    detail::worker_identity host, worker;
    host.setup = &around;
    worker.setup = &inside;
    worker.host = &host;
    CHECK_FALSE(detail::fails_in_order(&worker, false));
    around.ordered = true;
    CHECK(detail::fails_in_order(&worker, false));
    CHECK(detail::fails_in_order(&worker, true));
    around = {.on_error = OnError::finish};
    CHECK(detail::fails_in_order(&worker, false));
    CHECK_FALSE(detail::fails_in_order(&worker, true));
}

TEST_CASE("an error says only that a run was stopped if each of its causes says so", "[inner_failure]") {
    const auto cancelled = std::make_exception_ptr(CancelledError());
    CHECK(detail::says_cancelled(cancelled));
    CHECK(detail::says_cancelled(task_error(CancelledError())));
    CHECK_FALSE(detail::says_cancelled(task_error(std::runtime_error("no"))));
    CHECK_FALSE(detail::says_cancelled(std::make_exception_ptr(TaskException(
        {TaskError("stage", 0, cancelled), TaskError("stage", 1, std::make_exception_ptr(1))}))));
}

}  // namespace detail_inner_failure_tests
