// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_LAUNCH_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_LAUNCH_HPP

// The ways to run a chain of stages, with threads or without, and who may.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/nested/inline_run.hpp>
#include <parallelpipe/detail/pipeline/consumed_run.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/run/run.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/results.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// `taken_by`: what takes the results, if it is not a loop of the caller's.
template <class Out>
Results<Out> start(const std::vector<stage_entry>& stages, std::stop_token token,
                   const observer_handle* watcher, const char* taken_by = "") {
    auto* const started = new consumed_run<Out>(stages, std::move(token), watcher, taken_by);
    return Results<Out>(owning_ptr<run_base>(started), started->items());
}

template <class Out>
Results<Out> start_inline(const std::vector<stage_entry>& stages, std::stop_token token) {
    owning_ptr started(new inline_run_state(stages, std::move(token)));
    auto& items = static_cast<item_reader<Out>&>(*started->last().out());
    return Results<Out>(std::move(started), items);
}

template <class...>
Statistics stats_of(const run_base& of) {
    if (const run* const threads = of.threads()) return threads->stats();
    return static_cast<const inline_run_state&>(of).stats();
}

/// `results` outlives what was collected from them.
template <class Out>
Out last_of(Results<Out> results) {
    std::optional<Out> last;
    for (Out& result : results) last.emplace(std::move(result));
    if (!last) throw NoResultError();
    return *std::move(last);
}

template <class Out>
Out run_to_end(const std::vector<stage_entry>& stages, std::stop_token token,
               const observer_handle* watcher) {
    if constexpr (std::is_void_v<Out>) {
        run whole(stages, watcher);
        whole.start(std::move(token));
        whole.finish();
    } else {
        return detail::last_of(detail::start<Out>(stages, std::move(token), watcher, "execute()"));
    }
}

template <class Out>
Out run_inline_to_end(const std::vector<stage_entry>& stages, std::stop_token token) {
    if constexpr (std::is_void_v<Out>) {
        inline_run_state whole(stages, std::move(token));
        whole.last().consume();
        whole.ended();
    } else {
        return detail::last_of(detail::start_inline<Out>(stages, std::move(token)));
    }
}

template <class In, class Out>
constexpr bool has_results() {
    static_assert(std::is_void_v<In>,
                  "parallelpipe: this pipeline is open at the front: nothing feeds it; write "
                  "(range | pipeline).results()");
    static_assert(!std::is_void_v<Out>,
                  "parallelpipe: this pipeline ends in a sink and has no results; call execute()");
    return std::is_void_v<In> && !std::is_void_v<Out>;
}

/// The same rules for a pipeline and for a stage that runs alone.
template <class In, class Out>
auto results_of(const std::vector<stage_entry>& stages, std::stop_token token,
                const observer_handle* watcher = nullptr) {
    if constexpr (detail::has_results<In, Out>())
        return detail::start<Out>(stages, std::move(token), watcher);
}

template <class In, class Out>
auto inline_results_of(const std::vector<stage_entry>& stages, std::stop_token token) {
    if constexpr (detail::has_results<In, Out>())
        return detail::start_inline<Out>(stages, std::move(token));
}

template <class In, class Out>
constexpr void check_executable() {
    static_assert(std::is_void_v<In>,
                  "parallelpipe: this pipeline is open at the front: nothing feeds it; write "
                  "(range | pipeline).execute()");
}

template <class In, class Out>
Out execute_all(const std::vector<stage_entry>& stages, std::stop_token token,
                const observer_handle* watcher = nullptr) {
    detail::check_executable<In, Out>();
    return detail::run_to_end<Out>(stages, std::move(token), watcher);
}

/// Calls `f` with every result, here.
template <class In, class Out, class F>
void for_each_of(const std::vector<stage_entry>& stages, F& f, std::stop_token token,
                 const observer_handle* watcher = nullptr) {
    if constexpr (detail::has_results<In, Out>()) {
        for (Out& result : detail::start<Out>(stages, std::move(token), watcher, "for_each()")) {
            if constexpr (std::invocable<F&, Out>)
                std::invoke(f, std::move(result));
            else
                std::invoke(f, result);
        }
    }
}

template <class Container, class Item>
concept keeps = requires(Container& all, Item&& item) { all.push_back(std::forward<Item>(item)); } ||
                requires(Container& all, Item&& item) { all.insert(all.end(), std::forward<Item>(item)); };

/// All results.
template <class In, class Out, class Container>
Container collect_of(const std::vector<stage_entry>& stages, std::stop_token token,
                     const observer_handle* watcher = nullptr) {
    static_assert(keeps<Container, Out>,
                  "parallelpipe: this container does not take the results of the pipeline, by push_back or by "
                  "insert; write collect<std::vector>(), or collect<std::map<Key, Value>>() where each result is a "
                  "std::pair<Key, Value>");
    if constexpr (detail::has_results<In, Out>() && keeps<Container, Out>) {
        auto results = detail::start<Out>(stages, std::move(token), watcher, "collect()");
        Container all;  // dies before the results, which join the run
        for (Out& result : results) {
            if constexpr (requires { all.push_back(std::move(result)); })
                all.push_back(std::move(result));
            else
                all.insert(all.end(), std::move(result));
        }
        return all;
    } else {
        return Container();
    }
}

/// Container<Out>, for collect<Container>().
template <template <class...> class Container, class In, class Out>
constexpr bool check_container() {
    if constexpr (detail::has_results<In, Out>()) {
        constexpr bool fits = requires { typename Container<Out>; };
        static_assert(fits, "parallelpipe: collect<Container>() makes a Container<Out>, and this container has other "
                            "parameters; name the whole type: collect<std::map<Key, Value>>(), where each result is a "
                            "std::pair<Key, Value>");
        return fits;
    } else {
        return false;
    }
}

}  // namespace parallelpipe::detail

#endif
