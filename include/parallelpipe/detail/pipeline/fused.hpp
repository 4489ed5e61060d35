// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_FUSED_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_FUSED_HPP

// What fuse makes of a chain of stages, and what it refuses.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/nested/fused_stage.hpp>
#include <parallelpipe/detail/nested/kernel_chain.hpp>
#include <parallelpipe/detail/nested/range_in_turn.hpp>
#include <parallelpipe/detail/pipeline/compose.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <stdexcept>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The entry of a fused stage, without its code.
template <class Out>
stage_entry codeless_entry(const std::vector<stage_entry>& stages) {
    stage_entry entry;
    entry.yields_views = detail::views_memory<Out>();
    entry.views_items = detail::views_items(stages);
    return entry;
}

/// Moves the range in front of `stages` to `fused`, or that of their first stage, which is fused itself.
/// Errors: `std::invalid_argument` for a range alone.
template <class...>
void take_range(std::vector<stage_entry>& stages, stage_entry& fused) {
    stage_entry& first = stages.front();
    if (!first.is_range) {
        fused.range = std::exchange(first.range, nullptr);
        fused.range_setup = std::move(first.range_setup);
        return;
    }
    if (stages.size() == 1)
        throw std::invalid_argument("parallelpipe: fuse has only the range \"" + first.name(0) +
                                    "\" and no stage to read it; write fuse(source(range) | stage)");
    fused.range = std::move(first.code);
    fused.range_setup = std::move(first.setup);
    stages.erase(stages.begin());
}

template <class In, class Out>
stage_entry fused_entry(const Pipeline<In, Out>& pipeline) {
    std::vector<stage_entry> stages = pipeline.stages();
    stage_entry entry = detail::codeless_entry<Out>(stages);
    detail::take_range(stages, entry);
    entry.open_range = range_in_turn::open;
    entry.code = detail::make_code<fused_stage<Out>>(std::move(stages));
    return entry;
}
template <class In, class Out>
stage_entry fused_entry(const Stage<In, Out>& stage) {
    return detail::fused_entry(Pipeline<In, Out>(stage));
}
/// As one function, unless stages of other types were assigned to `pipeline`.
template <class In, class Out, class... Codes>
stage_entry fused_entry(const kernel_pipeline<In, Out, Codes...>& pipeline) {
    using function = composed_function<Codes...>;
    if (!function::fits(pipeline.stages()))
        return detail::fused_entry(static_cast<const Pipeline<In, Out>&>(pipeline));
    stage_entry entry = detail::codeless_entry<Out>(pipeline.stages());
    entry.code = function::make_code(pipeline.stages());
    return entry;
}

template <class Stages>
constexpr bool check_fused() {
    static_assert(!generic_operand<Stages>,
                  "parallelpipe: fuse makes its stage before the left side of | is known, so its first stage has to "
                  "know its item type: name it, [](int x) { ... }, or Stage<int, std::vector<int>>(batch(10)), and pass "
                  "the arguments it needs");
    return !generic_operand<Stages>;
}

template <class...>
inline constexpr bool are_chained = false;
template <class Stages>
inline constexpr bool are_chained<Stages> = operand<Stages>;
template <class Settings, class Stages>
inline constexpr bool are_chained<Settings, Stages> = std::convertible_to<Settings, Setup> && operand<Stages>;

template <class... Wrong>
struct no_chain {
    static_assert(never<Wrong...>,
                  "parallelpipe: fuse takes one chain of stages: write fuse(a | b | c), or fuse({.workers = 4}, a | b "
                  "| c)");
};

}  // namespace parallelpipe::detail

#endif
