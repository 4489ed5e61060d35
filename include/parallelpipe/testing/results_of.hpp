// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_RESULTS_OF_HPP
#define PARALLELPIPE_TESTING_RESULTS_OF_HPP

#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/testing/tested.hpp>
#include <parallelpipe/pipeline.hpp>

#include <utility>

namespace parallelpipe::inline v0::testing {

/// Runs a stage function in the calling thread: `results_of(add_n, std::vector{1, 2, 3}, 7)`.
/// Shape: `what` is a stage function, a Stage, a Pipeline, or a result of `stage(f)` or `map_stage(f)`. The second
///   argument is the input, any range (an rvalue is moved from); then come the arguments of `what`. A source has no
///   input: `results_of(count, 100)`.
/// Threads: none, so there is no timing. A stage function is called once with the whole input, as if it had one worker;
///   stages and pipelines run as with `inline_run`.
/// Returns: a vector of all results; nothing for a sink.
/// Errors: the exception of a stage function, as it is; `TaskException` for stages and pipelines.
template <class What, class... Arguments>
auto results_of(What what, Arguments&&... arguments) {
    constexpr bool has_input = detail::is_source<What>() || sizeof...(Arguments) != 0;
    static_assert(has_input,
                  "parallelpipe: this function reads items; write results_of(f, std::vector{1, 2, 3})");
    if constexpr (!detail::is_source<What>()) {
        if constexpr (has_input)
            return detail::results_of_reader(what, std::forward<Arguments>(arguments)...);
    } else if constexpr (detail::operand<What>) {
        return detail::collected_inline(
            Pipeline(detail::completed<void>(what, std::forward<Arguments>(arguments)...)));
    } else {
        return detail::results_of_function<void>(what, {}, std::forward<Arguments>(arguments)...);
    }
}

}  // namespace parallelpipe::testing

#endif
