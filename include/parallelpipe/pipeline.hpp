// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_PIPELINE_HPP
#define PARALLELPIPE_PIPELINE_HPP

// HOW it runs: operator|, results(), execute().

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/pipeline/compose.hpp>
#include <parallelpipe/detail/pipeline/launch.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/inline_run.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/results.hpp>
#include <parallelpipe/stage.hpp>

#include <ostream>
#include <ranges>
#include <stop_token>
#include <string>
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
class PARALLELPIPE_RUN_IT Pipeline : public detail::not_a_range<Out> {
public:
    Pipeline(const Stage<In, Out>& stage) : stages_{stage.entry()} {}

    /// For the library.
    explicit Pipeline(std::vector<detail::stage_entry> stages) noexcept
        : stages_(std::move(stages)) {}

    /// Starts all workers now; results arrive as soon as they are ready.
    /// Returns: Results<Out>.
    /// Errors: what starting a thread throws (everything already started has then been joined);
    ///   `std::logic_error` if the range on the left can be read only once and has been, or if a stage yields views
    ///   of its items, see Lasting; nothing has started then.
    auto results(std::stop_token token = {}) const {
        return detail::results_of<In, Out>(stages_, std::move(token));
    }
    /// The same, watched by a Monitor. So below.
    /// Errors: `std::logic_error`, before anything starts, if it watches another run.
    auto results(detail::observer_handle& monitor, std::stop_token token = {}) const {
        return detail::results_of<In, Out>(stages_, std::move(token), &monitor);
    }
    /// The same in the calling thread, as `inline_run` says.
    auto results(inline_run_t, std::stop_token token = {}) const {
        return detail::inline_results_of<In, Out>(stages_, std::move(token));
    }

    /// Runs to the end.
    /// Blocks: until every worker has ended.
    /// Returns: the last result; nothing if the pipeline ends in a sink.
    /// Errors: those of results(); `TaskException`, `CancelledError`; `NoResultError` if there is none.
    Out execute(std::stop_token token = {}) const {
        return detail::execute_all<In, Out>(stages_, std::move(token));
    }
    Out execute(detail::observer_handle& monitor, std::stop_token token = {}) const {
        return detail::execute_all<In, Out>(stages_, std::move(token), &monitor);
    }
    Out execute(inline_run_t, std::stop_token token = {}) const {
        detail::check_executable<In, Out>();
        return detail::run_inline_to_end<Out>(stages_, std::move(token));
    }

    /// A copy whose stages are all ordered: what leaves it has the order of what enters it, and with an error
    /// everything before the failing item leaves it.
    Pipeline ordered() const {
        Pipeline copy(*this);
        for (detail::stage_entry& stage : copy.stages_) stage.setup.ordered = true;
        return copy;
    }

    /// Calls `f` with every result, in the calling thread: `f(item)`, the item as an rvalue if f takes
    /// it so. For the same with several threads put the verb for_each behind the pipeline.
    /// Errors: those of results(); what `f` throws, as it is, when the run has been stopped.
    template <class F>
    void for_each(F f, std::stop_token token = {}) const {
        detail::for_each_of<In, Out>(stages_, f, std::move(token));
    }
    template <class F>
    void for_each(F f, detail::observer_handle& monitor, std::stop_token token = {}) const {
        detail::for_each_of<In, Out>(stages_, f, std::move(token), &monitor);
    }

    /// Runs to the end.
    /// Returns: all results: `collect()`, `collect<std::deque>()`, `collect<std::set<int>>()`.
    /// Errors: those of results().
    template <template <class...> class Container = std::vector>
    auto collect(std::stop_token token = {}) const {
        if constexpr (detail::check_container<Container, In, Out>())
            return collect<Container<Out>>(std::move(token));
    }
    template <class Container>
    Container collect(std::stop_token token = {}) const {
        return detail::collect_of<In, Out, Container>(stages_, std::move(token));
    }
    template <template <class...> class Container = std::vector>
    auto collect(detail::observer_handle& monitor, std::stop_token token = {}) const {
        if constexpr (detail::check_container<Container, In, Out>())
            return collect<Container<Out>>(monitor, std::move(token));
    }
    template <class Container>
    Container collect(detail::observer_handle& monitor, std::stop_token token = {}) const {
        return detail::collect_of<In, Out, Container>(stages_, std::move(token), &monitor);
    }

    /// For the library.
    const std::vector<detail::stage_entry>& stages() const noexcept { return stages_; }

private:
    std::vector<detail::stage_entry> stages_;
};

/// `source | fetch(x4) | get_titles(x2)`
template <class In, class Out>
std::string to_string(const Pipeline<In, Out>& pipeline) {
    return detail::to_string(pipeline.stages());
}

template <class In, class Out>
std::ostream& operator<<(std::ostream& out, const Pipeline<In, Out>& pipeline) {
    return out << to_string(pipeline);
}

template <class In, class Out>
auto Stage<In, Out>::results(std::stop_token token) const {
    return detail::results_of<In, Out>({entry_}, std::move(token));
}

template <class In, class Out>
auto Stage<In, Out>::results(detail::observer_handle& monitor, std::stop_token token) const {
    return detail::results_of<In, Out>({entry_}, std::move(token), &monitor);
}

template <class In, class Out>
auto Stage<In, Out>::results(inline_run_t, std::stop_token token) const {
    return detail::inline_results_of<In, Out>({entry_}, std::move(token));
}

template <class In, class Out>
Out Stage<In, Out>::execute(inline_run_t, std::stop_token token) const {
    return Pipeline<In, Out>(*this).execute(inline_run, std::move(token));
}

template <class In, class Out>
Out Stage<In, Out>::execute(std::stop_token token) const {
    return detail::execute_all<In, Out>({entry_}, std::move(token));
}

template <class In, class Out>
Out Stage<In, Out>::execute(detail::observer_handle& monitor, std::stop_token token) const {
    return detail::execute_all<In, Out>({entry_}, std::move(token), &monitor);
}

template <class In, class Out>
template <class F>
void Stage<In, Out>::for_each(F f, std::stop_token token) const {
    Pipeline<In, Out>(*this).for_each(std::move(f), std::move(token));
}

template <class In, class Out>
template <class F>
void Stage<In, Out>::for_each(F f, detail::observer_handle& monitor, std::stop_token token) const {
    Pipeline<In, Out>(*this).for_each(std::move(f), monitor, std::move(token));
}

template <class In, class Out>
template <template <class...> class Container>
auto Stage<In, Out>::collect(std::stop_token token) const {
    return Pipeline<In, Out>(*this).template collect<Container>(std::move(token));
}

template <class In, class Out>
template <class Container>
Container Stage<In, Out>::collect(std::stop_token token) const {
    return Pipeline<In, Out>(*this).template collect<Container>(std::move(token));
}

template <class In, class Out>
template <template <class...> class Container>
auto Stage<In, Out>::collect(detail::observer_handle& monitor, std::stop_token token) const {
    return Pipeline<In, Out>(*this).template collect<Container>(monitor, std::move(token));
}

template <class In, class Out>
template <class Container>
Container Stage<In, Out>::collect(detail::observer_handle& monitor, std::stop_token token) const {
    return Pipeline<In, Out>(*this).template collect<Container>(monitor, std::move(token));
}

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
