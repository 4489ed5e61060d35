// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_RUN_WITH_DELAYS_HPP
#define PARALLELPIPE_TESTING_RUN_WITH_DELAYS_HPP

#include <parallelpipe/detail/testing/disturbed.hpp>
#include <parallelpipe/detail/testing/tested.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/testing/delays.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::testing {

/// Runs a stage function with several workers and random delays, to find code that depends on timing: shared data
/// without a lock (under ThreadSanitizer), results expected in order, a worker expected to see every item:
/// `run_with_delays({.seed = 7}, add_n, std::vector{1, 2, 3}, 7)`.
/// Shape: as in results_of(). There are delays before a worker takes an item, before the stage function gets it, after
///   each result, in the source, and in the loop that takes the results. Queues are small, so that all threads wait
///   for each other. A Stage keeps its settings unless `delays` has others. Of a Pipeline only the source and the
///   consumer are delayed; put with_delays() around its stages.
/// Returns: a vector of all results, in order of arrival: sorted() makes them comparable. Nothing for a sink.
/// Errors: those of Pipeline::results(), and `TaskException`. `std::invalid_argument` for a setting
///   that no stage can have, and for workers of a Pipeline.
template <class What, class... Arguments>
auto run_with_delays(const Delays& delays, What what, Arguments&&... arguments) {
    constexpr bool has_input = detail::is_source<What>() || sizeof...(Arguments) != 0;
    static_assert(has_input,
                  "parallelpipe: this function reads items; write run_with_delays({.seed = 7}, f, std::vector{1, 2, "
                  "3})");
    if constexpr (!detail::is_source<What>()) {
        if constexpr (has_input)
            return detail::run_reader(delays, what, std::forward<Arguments>(arguments)...);
    } else {
        return detail::run_disturbed(
            delays,
            detail::disturbed_run<void>(delays, what, std::forward<Arguments>(arguments)...));
    }
}

/// A stage of a pipeline with such delays: `lines | with_delays({}, parse) | sum`.
/// Shape: a Pipeline of this one stage, with its settings unless `delays` has others; an error carries the name of the
///   stage.
template <class In, class Out>
Pipeline<In, Out> with_delays(const Delays& delays, const Stage<In, Out>& stage) {
    return detail::disturbed(delays, stage);
}

/// Sorts results: `CHECK(sorted(run_with_delays({}, f, input)) == expected)`.
template <class T>
std::vector<T> sorted(std::vector<T> results) {
    std::sort(results.begin(), results.end());
    return results;
}

}  // namespace parallelpipe::testing

#endif
