// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_RUN_OPTIONS_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_RUN_OPTIONS_HPP

// The arguments `how...` of results(), execute(), for_each() and collect(): what they mean, and which are refused.

#include <parallelpipe/detail/run/observer.hpp>

#include <concepts>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

struct inline_run_t;

namespace detail {

struct run_options {
    std::stop_token token{};
    const observer_handle* monitor = nullptr;
    /// The call that takes the results: ConsumerStatistics::taken_by. Empty for a loop of the caller's.
    const char* taken_by = "";
};

template <class Argument>
concept means_inline = std::same_as<std::remove_cvref_t<Argument>, inline_run_t>;
template <class Argument>
concept means_monitor = std::convertible_to<Argument, observer_handle&>;
template <class Argument>
concept means_token = std::convertible_to<Argument, std::stop_token>;

template <class... How>
inline constexpr bool is_inline = (means_inline<How> || ...);

/// Each type of `How` as the argument is passed on: `T&` for an lvalue.
template <class... How>
constexpr bool check_how() {
    constexpr bool known = ((means_inline<How> || means_monitor<How> || means_token<How>) && ...);
    static_assert(known, "parallelpipe: a run takes a std::stop_token, a Monitor and inline_run, and one of these "
                         "arguments is something else; write pipe.results(source.get_token(), monitor), where the "
                         "Monitor is a variable that is not const");
    constexpr bool once = (0 + ... + means_inline<How>) <= 1 && (0 + ... + means_monitor<How>) <= 1 &&
                          (0 + ... + means_token<How>) <= 1;
    static_assert(!known || once, "parallelpipe: a run takes one std::stop_token, one Monitor and one inline_run at "
                                  "most, and one of these is given twice; leave the second one out");
    constexpr bool watched = (means_monitor<How> || ...);
    static_assert(!known || !once || !watched || !is_inline<How...>,
                  "parallelpipe: a Monitor watches the threads of a run, and inline_run starts none; leave the "
                  "Monitor out and call stats() of the results");
    return known && once && !(watched && is_inline<How...>);
}

template <class... How>
run_options options_of(const char* taken_by, How&&... how) {
    run_options options{.taken_by = taken_by};
    [[maybe_unused]] const auto read = [&options]<class One>(One&& one) {
        if constexpr (means_token<One>) {
            std::stop_token token = std::forward<One>(one);
            options.token = std::move(token);
        } else if constexpr (means_monitor<One>) {
            observer_handle& monitor = one;
            options.monitor = &monitor;
        }
    };
    (read(std::forward<How>(how)), ...);
    return options;
}

}  // namespace detail

}  // namespace parallelpipe

#endif
