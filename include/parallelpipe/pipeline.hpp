// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_PIPELINE_HPP
#define PARALLELPIPE_PIPELINE_HPP

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/pipeline/compose.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/runnable.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

/// Stages chained with `operator|`.
/// Shape: a value; `operator|` returns a new one and never changes its operands. Open at the front
///   when `In` is not void.
/// Threads: as a standard container: const members, which are all that run it, from several threads at once.
template <class In, class Out>
class PARALLELPIPE_RUN_IT Pipeline : public runnable<Pipeline<In, Out>, In, Out> {
public:
    Pipeline(const Stage<In, Out>& stage) : stages_(stage.stages()) {}

    /// A copy whose stages are all ordered: its results have the order of its input, and with an error all results
    /// of the items before the failing one arrive.
    Pipeline ordered() const {
        Pipeline copy(*this);
        for (detail::stage_entry& stage : copy.stages_) stage.setup.ordered = true;
        return copy;
    }

    /// For the library.
    explicit Pipeline(std::vector<detail::stage_entry> stages) noexcept : stages_(std::move(stages)) {}
    const std::vector<detail::stage_entry>& stages() const noexcept { return stages_; }

private:
    std::vector<detail::stage_entry> stages_;
};

/// Chains: `range | stage`, `stage | stage`, `pipeline | stage`, `stage | pipeline`,
/// `pipeline | pipeline`, `range | pipeline`.
/// Shape: returns a new Pipeline; the operands stay as they are. As with `std::views`, an lvalue
///   range is referred to (keep it alive), an rvalue is owned. The range is read by one worker. What
///   the left side yields must convert to what the right side takes.
/// Errors: a wrong operand does not compile, and the message says what to write.
template <class Left, class Right>
    requires(detail::operand<Left> || detail::operand<Right>)
auto operator|(Left&& left, Right&& right) {
    return detail::compose(std::forward<Left>(left), std::forward<Right>(right));
}
/// A range and a plain function: does not compile, and the message says what to write.
template <std::ranges::input_range Range, class F>
    requires(!detail::operand<Range> && detail::plain_function<F, Range>)
auto operator|(Range&&, F&&) {
    static_assert(detail::never<F>,
                  "parallelpipe: the right side of | is a function, not a stage; wrap it: range | map_stage(f) for one "
                  "result per item, range | stage(f) where f takes an Input");
}

namespace detail {
// Argument-dependent lookup finds it here for stages that wait for their left side, as `take(2)` does.
using parallelpipe::operator|;
}  // namespace detail

}  // namespace parallelpipe

#endif
