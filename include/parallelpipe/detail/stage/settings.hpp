// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_SETTINGS_HPP
#define PARALLELPIPE_DETAIL_STAGE_SETTINGS_HPP

// Settings that are no Setup, or that stand in the wrong place: overloads that only say what to write.
//
// A list in braces has no type, so it cannot be deduced: the parameter `Wrong` takes its default, and the
// overload is viable if the list initialises a misnamed_setup. Where it initialises a Setup as well, the verb
// itself is the better match: its other parameters fit at least as well, and it is more specialised.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>

namespace parallelpipe::inline v0::detail {

/// What any argument converts to, by the worst of all conversions.
struct anything {
    anything() = default;
    template <class T>
    anything(T&&) noexcept {}
};

/// The first field of what is not initialised without the names of its fields.
struct named_fields_only {
    named_fields_only() noexcept {}
};

/// The fields of Setup, and at the place of each what others call it: {.threads = 4, .qsize = 10}.
struct misnamed_setup {
    named_fields_only first{};
    anything worker{}, n_workers{}, num_workers{}, nworkers{}, thread{}, threads{}, n_threads{}, num_threads{},
        nthreads{}, jobs{}, n_jobs{}, parallelism{}, concurrency{};
    std::optional<std::size_t> workers = std::nullopt;
    anything queue{}, queue_size{}, queuesize{}, q_size{}, size{}, max_size{}, maxsize{}, capacity{}, buffer{},
        buffer_size{}, bound{}, depth{};
    std::optional<std::size_t> qsize = std::nullopt;
    anything order{}, in_order{}, keep_order{}, preserve_order{};
    std::optional<bool> ordered = std::nullopt;
    anything title{}, label{}, names{};
    std::optional<std::string> name = std::nullopt;
    anything onerror{}, error{}, errors{}, on_errors{}, error_policy{}, filter_errors{};
    std::optional<OnError> on_error = std::nullopt;
    anything retries{}, tries{}, attempts{};
    std::optional<Retry> retry = std::nullopt;
};

template <class Settings>
concept misnamed = std::same_as<Settings, misnamed_setup>;
template <class Settings>
concept misplaced = std::same_as<Settings, misnamed_setup> || std::same_as<Settings, Setup>;

// What such an overload returns: the call needs it complete, so this is the first error.

template <class Settings>
struct no_such_setting {
    static_assert(never<Settings>,
                  "parallelpipe: Setup has no field of that name; its fields are, in this order, .workers, "
                  ".qsize, .ordered, .name, .on_error and .retry: write {.workers = 4, .qsize = 100}");
};
template <class Settings>
struct settings_come_first {
    static_assert(never<Settings>, "parallelpipe: the settings come first: write map_stage({.workers = 4}, f), and "
                                   "so for every other verb");
};

}  // namespace parallelpipe::detail

/// Calls of a verb, with the parameters that follow, whose settings have a wrong name or stand last.
#define PARALLELPIPE_REFUSE_WRONG_SETTINGS(verb, ...)                                                   \
    template <detail::misnamed Wrong = detail::misnamed_setup>                                          \
    detail::no_such_setting<Wrong> verb(Wrong, __VA_ARGS__);                                            \
    template <detail::misplaced Wrong = detail::misnamed_setup>                                         \
    detail::settings_come_first<Wrong> verb(__VA_ARGS__, Wrong);

#endif
