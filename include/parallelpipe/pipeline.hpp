// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_PIPELINE_HPP
#define PARALLELPIPE_PIPELINE_HPP

// HOW it runs: operator|, results(), execute().

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/pipeline/compose.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
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
/// Threads: results() and execute() are const and may be called again and again, also from several
///   threads at once: each call is a run of its own. A pipeline over a range that can be read only
///   once runs once.
template <class In, class Out>
class PARALLELPIPE_RUN_IT Pipeline : public runnable<Pipeline<In, Out>, In, Out> {
public:
    Pipeline(const Stage<In, Out>& stage) : stages_(stage.stages()) {}

    /// For the library.
    explicit Pipeline(std::vector<detail::stage_entry> stages) noexcept
        : stages_(std::move(stages)) {}

    /// A copy whose stages are all ordered: what leaves it has the order of what enters it, and with an error
    /// everything before the failing item leaves it.
    Pipeline ordered() const {
        Pipeline copy(*this);
        for (detail::stage_entry& stage : copy.stages_) stage.setup.ordered = true;
        return copy;
    }

    /// For the library.
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
    return detail::pipe(std::forward<Left>(left), std::forward<Right>(right));
}
/// A range and a function that no verb has made a stage of.
template <std::ranges::input_range Range, class F>
    requires(!detail::operand<Range> && detail::plain_function<F, Range>)
auto operator|(Range&&, F&&) {
    static_assert(detail::never<F>,
                  "parallelpipe: the right side of | is a function, not a stage; wrap it: range | map_stage(f) for one "
                  "result per item, range | stage(f) where f takes an Input");
}

namespace detail {
// What waits for its left side, as `take(2)` does, lies in here: so it is found for that, too.
using parallelpipe::operator|;
}  // namespace detail

}  // namespace parallelpipe

#endif
