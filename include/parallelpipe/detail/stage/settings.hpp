// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_SETTINGS_HPP
#define PARALLELPIPE_DETAIL_STAGE_SETTINGS_HPP

// Settings with a wrong field name, or in the wrong place: overloads whose only use is a message of the compiler.
//
// A list in braces has no type, so it cannot be deduced: the parameter `Wrong` takes its default, and the
// overload is viable if the list initialises a misnamed_setup. If the list initialises a Setup as well, the
// function itself is the better match: its other parameters fit at least as well, and it is more specialised.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>

namespace parallelpipe::inline v0::detail {

/// Any argument converts to this, by the lowest-ranked conversion.
struct anything {
    anything() = default;
    template <class T>
    anything(T&&) noexcept {}
};

/// As the first field of a struct: no value converts to it, so a list without field names does not fit.
struct named_fields_only {
    named_fields_only() noexcept {}
};

/// The fields of Setup, and in the place of each the names that other libraries use: {.threads = 4, .qsize = 10}.
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

// The results of such overloads. A call needs the type complete, so its message is the first error.

template <class Settings>
struct no_such_setting {
    static_assert(never<Settings>,
                  "parallelpipe: Setup has no field of that name; its fields are, in this order, .workers, "
                  ".qsize, .ordered, .name, .on_error and .retry; write {.workers = 4, .qsize = 100}");
};
template <class Settings>
struct settings_come_first {
    static_assert(never<Settings>, "parallelpipe: the settings stand last here, and come first in every ready-made "
                                   "stage; write map_stage({.workers = 4}, f)");
};

}  // namespace parallelpipe::detail

/// Overloads of `function`, which has these parameters after its settings, for settings with a wrong field name, and
/// for settings that stand last.
#define PARALLELPIPE_REFUSE_WRONG_SETTINGS(function, ...)                                               \
    template <detail::misnamed Wrong = detail::misnamed_setup>                                          \
    detail::no_such_setting<Wrong> function(Wrong, __VA_ARGS__);                                        \
    template <detail::misplaced Wrong = detail::misnamed_setup>                                         \
    detail::settings_come_first<Wrong> function(__VA_ARGS__, Wrong);

#endif
