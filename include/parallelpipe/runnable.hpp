// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_RUNNABLE_HPP
#define PARALLELPIPE_RUNNABLE_HPP

// How a Stage or a Pipeline runs: results(), execute(), for_each(), collect().

#include <parallelpipe/detail/pipeline/launch.hpp>
#include <parallelpipe/detail/pipeline/run_checks.hpp>
#include <parallelpipe/detail/pipeline/run_options.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/results.hpp>

#include <concepts>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

/// The type of `inline_run`.
struct inline_run_t {
    explicit inline_run_t() = default;
};

/// Runs a pipeline without threads: `for (auto& x : pipe.results(inline_run))`. For debugging and tests.
/// Shape: the results and errors of a run with threads, in the order of the input. Everything runs in the
///   consumer's thread, when the consumer asks for the next result, and only as far as that result needs. The
///   workers of a stage run one after the other: the first one gets the items, until its function returns.
///   Where a stage throws, all results of what came before arrive. With threads the run stops at once: results
///   that had not left the last stage are missing, and a task that fails meanwhile is reported, too. There
///   all of them arrive as well if each stage is ordered, as in `pipe.ordered()`.
/// Threads: none, but the reader of a `batch(n, max_wait)`, and where a stage runs a pipeline over its Input
///   the threads of that run and one for the stages before. The results belong to one thread; `cancel()` from
///   any.
inline constexpr inline_run_t inline_run{};

/// What can run: a base of Stage and Pipeline.
///
/// `how...` are any of these, in any order, each at most once:
/// - a std::stop_token, or what converts to one: it cancels the run;
/// - a Monitor, as an lvalue: it watches the run;
/// - `inline_run`: the run has no threads. Not with a Monitor, which watches threads.
///
/// For example:
///
///     for (auto& title : pipe.results(token, monitor)) print(title);
///     auto last = pipe.execute(monitor);
///     auto all = pipe.collect<std::set>(inline_run);
///
/// Threads: the calls are const and may be made again and again, also from several threads at once: each call is
///   a run of its own. A pipeline over a range that can be read only once runs once.
template <class Self, class In, class Out>
class runnable : public detail::not_a_range<Out> {
public:
    /// Starts all workers now; results arrive as soon as they are ready. See runnable for `how`.
    /// Returns: Results<Out>.
    /// Errors: what starting a thread throws (everything already started has then been joined);
    ///   `std::logic_error` if the range on the left can be read only once and has been, if the Monitor watches
    ///   another run, or if a stage yields views of its items, see Lasting; nothing has started then.
    template <class... How>
    auto results(How&&... how) const {
        if constexpr (detail::has_results<In, Out>() && detail::check_how<How...>())
            return launch("", std::forward<How>(how)...);
    }

    /// Runs to the end and returns the last result. See runnable for `how`.
    /// Blocks: until every worker has ended.
    /// Returns: the last result; nothing if the pipeline ends in a sink.
    /// Errors: those of results(); `TaskException`, `CancelledError`; `NoResultError` if there is none.
    template <class... How>
    Out execute(How&&... how) const {
        if constexpr (detail::is_fed<In>() && detail::check_how<How...>())
            return detail::run_to_end<Out, detail::is_inline<How...>>(
                stages(), detail::options_of("execute()", std::forward<How>(how)...));
    }

    /// Calls `f` with every result, in the calling thread: `f(item)`, the item as an rvalue if `f` takes it so.
    /// To call it in several threads, end the pipeline in the stage for_each: `pipe | for_each({.workers = 4}, f)`.
    /// See runnable for `how`.
    /// Errors: those of results() and of execute(); what `f` throws, as it is, after the run has been stopped.
    template <class F, class... How>
    void for_each(F f, How&&... how) const {
        if constexpr (detail::has_results<In, Out>() && detail::check_how<How...>() &&
                      detail::check_taker<F, Out>()) {
            for (Out& result : launch("for_each()", std::forward<How>(how)...)) {
                if constexpr (std::invocable<F&, Out>)
                    std::invoke(f, std::move(result));
                else
                    std::invoke(f, result);
            }
        }
    }

    /// Runs to the end and returns all results in a container. See runnable for `how`.
    /// Returns: a vector or what you ask for: `collect()`, `collect<std::deque>()`, `collect<std::set<int>>()`.
    /// Errors: those of results() and of execute().
    template <template <class...> class Container = std::vector, class... How>
    auto collect(How&&... how) const {
        if constexpr (detail::check_container<Container, In, Out>())
            return collect<Container<Out>>(std::forward<How>(how)...);
    }
    template <class Container, class... How>
    Container collect(How&&... how) const {
        if constexpr (detail::has_results<In, Out>() && detail::check_how<How...>() &&
                      detail::check_kept<Container, Out>()) {
            auto results = launch("collect()", std::forward<How>(how)...);
            Container all;  // destroyed before the results, which join the run
            for (Out& result : results) {
                if constexpr (requires { all.push_back(std::move(result)); })
                    all.push_back(std::move(result));
                else
                    all.insert(all.end(), std::move(result));
            }
            return all;
        }
    }

private:
    template <class... How>
    Results<Out> launch(const char* taken_by, How&&... how) const {
        return detail::launch<Out, detail::is_inline<How...>>(
            stages(), detail::options_of(taken_by, std::forward<How>(how)...));
    }

    decltype(auto) stages() const { return static_cast<const Self&>(*this).stages(); }
};

/// `source | fetch(x4) | get_titles(x2)`: the names of the stages and their workers.
template <class Self, class In, class Out>
std::string to_string(const runnable<Self, In, Out>& what) {
    return detail::to_string(static_cast<const Self&>(what).stages());
}

template <class Self, class In, class Out>
std::ostream& operator<<(std::ostream& out, const runnable<Self, In, Out>& what) {
    return out << to_string(what);
}

}  // namespace parallelpipe

#endif
