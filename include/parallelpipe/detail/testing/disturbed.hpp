// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_TESTING_DISTURBED_HPP
#define PARALLELPIPE_DETAIL_TESTING_DISTURBED_HPP

// Runs with delays in the workers and at both ends.

#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/testing/delay_sequence.hpp>
#include <parallelpipe/detail/testing/tested.hpp>
#include <parallelpipe/fuse.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/testing/delays.hpp>

#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The stage with delays in each worker, before and after the stage function, in the same thread.
template <class In, class Out>
Pipeline<In, Out> disturbed(const testing::Delays& delays, const Stage<In, Out>& stage) {
    stage_entry tested = stage.entry();
    Setup outer = tested.setup;
    outer.retry.reset();
    if (outer.on_error == OnError::skip) outer.on_error.reset();
    apply(outer, {.workers = delays.workers, .qsize = delays.qsize, .ordered = delays.ordered});
    // Errors carry the name of the stage inside, not that of the fused one.
    if (!tested.setup.name) tested.setup.name = "tested";

    const auto with_results = [&](const auto& reader) {
        if constexpr (std::is_void_v<Out>)
            return reader;
        else
            return reader | detail::delaying<Out>(delays, delay_place::result);
    };
    const auto whole = [&] {
        const Pipeline<In, Out> alone(std::vector{tested});
        if constexpr (std::is_void_v<In>)
            return with_results(alone);
        else
            return with_results(detail::delaying<In>(delays, delay_place::item) | alone);
    };
    stage_entry made = parallelpipe::fuse(std::move(outer), Pipeline<In, Out>(whole())).entry();
    made.partition = tested.partition;
    return Pipeline<In, Out>(std::vector{std::move(made)});
}

template <class In, class Out>
Pipeline<In, Out> disturbed(const testing::Delays& delays, const Pipeline<In, Out>& pipeline) {
    if (delays.workers)
        throw std::invalid_argument(
            "parallelpipe: Delays::workers is for one stage, and this is a pipeline of several; "
            "set the workers of its stages");
    std::vector<stage_entry> stages = pipeline.stages();
    for (stage_entry& stage : stages)
        apply(stage.setup, {.qsize = delays.qsize, .ordered = delays.ordered}, stage.per_item);
    return Pipeline<In, Out>(std::move(stages));
}

template <class In, class What, class... Arguments>
auto disturbed_run(testing::Delays delays, const What& what, Arguments&&... arguments) {
    if constexpr (!operand<What>) {
        if (!delays.workers) delays.workers = 3;
        if (!delays.qsize) delays.qsize = 2;
    }
    return detail::disturbed(delays,
                             detail::completed<In>(what, std::forward<Arguments>(arguments)...));
}

/// Runs the pipeline, with delays in the calling thread, which takes the results.
template <class Out>
auto run_disturbed(const testing::Delays& delays, const Pipeline<void, Out>& pipeline) {
    if constexpr (std::is_void_v<Out>) {
        pipeline.execute();
    } else {
        delay_sequence delay(delays, delay_place::consumer, 0);
        std::vector<Out> all;
        for (Out& result : pipeline.results()) {
            all.push_back(std::move(result));
            delay.wait();
        }
        return all;
    }
}

template <class What, class Range, class... Arguments>
auto run_reader(const testing::Delays& delays, const What& what, Range&& input,
                Arguments&&... arguments) {
    const auto reader = detail::disturbed_run<std::ranges::range_value_t<Range>>(
        delays, what, std::forward<Arguments>(arguments)...);
    using In = typename chain_of<decltype(reader)>::in;
    const auto whole =
        detail::delayed<In>(Input<In>(std::forward<Range>(input)), delays, delay_place::source) |
        reader;
    std::vector<stage_entry> stages = whole.stages();
    stages.front().setup.qsize = delays.qsize.value_or(2);  // of the source
    return detail::run_disturbed(
        delays, Pipeline<void, typename chain_of<decltype(whole)>::out>(std::move(stages)));
}

}  // namespace parallelpipe::detail

#endif
