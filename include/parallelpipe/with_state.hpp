// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_WITH_STATE_HPP
#define PARALLELPIPE_WITH_STATE_HPP

#include <parallelpipe/detail/stage/stateful_function.hpp>

#include <utility>

namespace parallelpipe::inline v0 {

/// Makes a function for a ready-made stage that has a state for each worker, such as a connection: `make()` makes
/// the state, and the stage calls `f(state, item, arguments...)` instead of `f(item, arguments...)`.
/// Shape: for each stage that calls a function with each item: map_stage, filter, flat_map, tap, for_each, reduce,
///   take_while. The state need not be movable. `f` takes it as a reference, or is a member function of it.
/// Threads: the worker's own: it makes the state when it starts, before its first item, and destroys the state when it
///   ends. One state for each worker of each run. `make` and `f` are copied for each worker, as every callable.
/// Errors: an exception in `make` is one of the stage, not of an item: `on_error` decides, but OnError::skip, `retry` and
///   the dead-letter handler do not apply. The state lives on when `f` throws.
///
///     auto fetched = map_stage({.workers = 4, .retry = Retry{.times = 2}},
///                              with_state([] { return Client(port); },
///                                         [](Client& client, const Url& url) { return client.get(url); }));
template <class Make, class F>
auto with_state(Make make, F f) {
    if constexpr (detail::check_state<Make, F>())
        return detail::stateful_function<Make, F>(std::move(make), std::move(f));
}

}  // namespace parallelpipe

#endif
