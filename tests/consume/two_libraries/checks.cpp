// What the program sees of stages that were made in one library and run in another.

#include "runs.hpp"

#include <chrono>
#include <exception>
#include <iostream>
#include <numeric>
#include <utility>

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

int failures = 0;

void check(bool is_so, const char* what) {
    if (is_so) return;
    ++failures;
    std::cout << "WRONG: " << what << std::endl;
}

/// Does `what`, and checks what comes of it.
template <class What>
void check_that(const char* sentence, What what) {
    try {
        check(what(), sentence);
    } catch (const std::exception& error) {
        check(false, sentence);
        std::cout << "    " << error.what() << std::endl;
    } catch (...) {
        check(false, sentence);
    }
}

template <class Error, class What>
bool throws(What what) {
    try {
        what();
    } catch (const Error&) {
        return true;
    }
    return false;
}

}  // namespace

int failures_of(const Stages& made) {
    const int before = failures;
    const std::vector items = {1, 2, 3, 4};
    check_that("OnError::skip", [&] { return run(made.skipping(), items) == std::vector{2, 4}; });
    check_that("statistics count what was skipped", [&] { return skipped(made.skipping(), items) == 2; });
    check_that("Retry", [&] { return run(made.retrying(), items) == items; });
    check_that("a dead-letter handler", [&] {
        std::vector<int> dead;
        return run(made.delivering(dead), items) == std::vector{2, 4} && dead == std::vector{1, 3};
    });
    check_that("a policy inside a fused stage", [&] { return run(made.fused(), items) == std::vector{-2, -4}; });
    check_that("stage_name() and index()", [&] {
        return run(made.naming(), items) ==
               std::vector<std::string>{"named-0:1", "named-0:2", "named-0:3", "named-0:4"};
    });
    check_that("stop_token()", [&] {
        Waiting on;
        return throws<CancelledError>([&] { run_and_stop(made.waiting(on), on); }) && on.was_stopped;
    });
    check_that("a pipeline inside a stage", [&] { return run(made.nesting(), {2, 4}) == std::vector{2, 4}; });
    check_that("a TaskException and a cause of the user's own type", [&] {
        try {
            run(made.failing(), {2, 3});
        } catch (const TaskException& error) {
            try {
                error.rethrow_cause();
            } catch (const BadNumber& bad) {
                return error.task() == "even-0" && bad.number == 3;
            }
        }
        return false;
    });

    std::vector<int> hundred(100);
    std::iota(hundred.begin(), hundred.end(), 0);
    check_that("a pipeline that another library made", [&] { return run(made.pipeline()) == hundred; });
    check_that("results of a run that another library started", [&] {
        auto results = made.results();
        return read(results) == hundred;
    });
    check_that("results of which a part is read in each library", [&] {
        auto results = made.results();
        const int first = *results.begin();
        return first == 0 && read(results).size() >= 99;
    });

    check_that("CancelledError", [&] { return throws<CancelledError>(made.throw_cancelled); });
    check_that("NoResultError", [&] { return throws<NoResultError>(made.throw_no_result); });
    check_that("StallError", [&] { return throws<StallError>(made.throw_stalled); });
    check_that("SeedFailure", [&] { return throws<testing::SeedFailure>(made.throw_seed_failure); });

    check_that("a callback of a Monitor destroys it in another library", [&] {
        auto monitor = make_monitor();
        monitor->on_progress(1ms, [&](const Statistics&) { made.destroy(monitor); });
        const int last = made.pipeline().execute(*monitor);
        return last == 99 && !monitor;
    });
    return failures - before;
}
