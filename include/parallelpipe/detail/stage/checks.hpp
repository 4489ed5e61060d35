// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_CHECKS_HPP
#define PARALLELPIPE_DETAIL_STAGE_CHECKS_HPP

// Wrong use of a stage: what does not compile, with the message of the compiler, and what throws when it is set.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/stateful_function.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class In, class Out>
class Stage;

namespace detail {

template <class F, class... Bound>
concept copyable_parts = std::copy_constructible<F> && (std::copy_constructible<Bound> && ...);

template <class F, class... Bound>
struct check_copyable {
    static constexpr bool value = copyable_parts<F, Bound...>;
    static_assert(value,
                  "parallelpipe: every worker gets its own copy of the callable and of its bound "
                  "arguments, and one of these cannot be copied; capture or pass a std::shared_ptr, a "
                  "pointer or std::ref instead");
};

template <class F>
constexpr bool refuse_state() {
    static_assert(!is_stateful<F>,
                  "parallelpipe: with_state is for the stages that call a function with each item, such as map_stage; in "
                  "a stage function make the state before the loop: generator<Out> f(Input<In> items) { Client client; "
                  "for (In& item : items) ... }");
    return !is_stateful<F>;
}

template <class In, class Out, class F, class... Bound>
constexpr bool fits_stage() {
    if constexpr (!refuse_state<F>()) {
        return false;
    } else if constexpr (!check_copyable<F, Bound...>::value) {
        return false;
    } else if constexpr (!callable_as_stage<F, input_of_t<In>, Bound...>) {
        static_assert(callable_as_stage<F, input_of_t<In>, Bound...>,
                      "parallelpipe: this callable cannot be called with Input<In> and the bound "
                      "arguments; bind one argument for each parameter after the Input, in order "
                      "(for a member function the object first)");
        return false;
    } else {
        using result = output_item<stage_result_t<F, In, Bound...>>;
        constexpr bool both_void = std::is_void_v<In> && std::is_void_v<Out>;
        static_assert(!both_void,
                      "parallelpipe: this function neither takes an Input<In> nor returns items; a stage function takes "
                      "an Input<In> as its first parameter, or is a source that returns a generator<Out>");
        constexpr bool fits = result::valid && (std::is_void_v<Out>
                                                    ? std::is_void_v<typename result::type>
                                                    : std::is_convertible_v<typename result::type, Out>);
        static_assert(fits,
                      "parallelpipe: this stage function returns no items of type Out; return generator<Out>, another "
                      "input range of Out by value, or void for a sink; to map one item to one result write "
                      "map_stage(f)");
        return fits && !both_void;
    }
}

template <class T>
concept hashable = requires(const T& value) {
    { std::hash<T>()(value) } -> std::convertible_to<std::size_t>;
};

template <class In, class Key>
constexpr bool check_key() {
    if constexpr (std::is_void_v<In>) {
        static_assert(!std::is_void_v<In>, "parallelpipe: a source takes no items, so it cannot partition them; call "
                                           "partition_by on a stage after it");
        return false;
    } else if constexpr (!std::copy_constructible<Key> || !std::invocable<Key&, const In&>) {
        static_assert(std::copy_constructible<Key> && std::invocable<Key&, const In&>,
                      "parallelpipe: the key of partition_by is called with the item and must be "
                      "copyable; write [](const In& item) { return item.name; }");
        return false;
    } else {
        using value = std::remove_cvref_t<std::invoke_result_t<Key&, const In&>>;
        constexpr bool is_text = std::same_as<std::decay_t<value>, char*> ||
                                 std::same_as<std::decay_t<value>, const char*>;
        static_assert(!is_text, "parallelpipe: keys of type char* would be compared by address; return a "
                                "std::string_view");
        static_assert(hashable<value>, "parallelpipe: the key of partition_by has no std::hash; return a number or a "
                                       "string, or specialise std::hash for the type");
        return hashable<value> && !is_text;
    }
}

template <class Handler, bool per_item>
constexpr bool check_dead_letter() {
    static_assert(per_item,
                  "parallelpipe: a stage function that takes an Input has no dead_letter, as a generator that threw "
                  "cannot be resumed; write map_stage, flat_map, filter, for_each or tap, and call dead_letter before "
                  "it is kept as a Stage<In, Out>; or catch inside the loop");
    return per_item;
}

/// For a stage whose one worker has to see every item.
/// Errors: `std::invalid_argument` for settings with several workers.
inline Setup one_worker(const std::string& stage, Setup setup) {
    if (setup.workers.value_or(1) != 1)
        throw std::invalid_argument("parallelpipe: " + stage +
                                    " runs with one worker, which sees every item; leave workers out");
    return setup;
}

/// The same in the worker, for settings that were changed later.
inline void check_one_worker(const std::string& stage) {
    if (current_worker && current_worker->setup)
        static_cast<void>(one_worker(stage, {.workers = current_worker->setup->workers}));
}

/// In and Out of Stage(f).
template <class F>
struct deduced_types {
    static_assert(has_signature<F> || is_stateful<F>,
                  "parallelpipe: the item types of a generic or overloaded callable cannot be deduced; "
                  "write Stage<In, Out>(f, ...), or range | stage(f)");
    using in = void;
    using out = void;
};
template <class F>
    requires has_signature<F>
struct deduced_types<F> {
    using in = typename first_parameter_input<typename signature<F>::parameters>::type;
    using out = output_item_t<typename signature<F>::result>;
};

/// Whether `Made`, which a generic stage made for items of type In, is a Stage<In, Out>.
template <class In, class Out, class Made>
constexpr bool is_made_of() {
    constexpr bool is_one = std::derived_from<Made, Stage<In, Out>>;
    static_assert(is_one, "parallelpipe: this is no Stage<In, Out>: for items of type In it yields something else, or it is "
                          "several stages, as reduce(init, op, combine) is; write Stage<int, std::vector<int>>(batch(10))");
    return is_one;
}

// ---- settings -----------------------------------------------------------------------------------

/// `per_item`: for an ItemStage, in which one item can fail alone.
/// Errors: `std::invalid_argument` for a value that the stage cannot have.
inline void validate(const Setup& setup, bool per_item) {
    const std::string stage = setup.name ? " of stage \"" + *setup.name + '"' : "";
    // A negative number becomes a huge one on its way into std::size_t.
    constexpr std::size_t negative = std::numeric_limits<std::size_t>::max() / 2;
    if (setup.workers && *setup.workers == 0)
        throw std::invalid_argument("parallelpipe: workers" + stage +
                                    " is 0: a stage needs at least one worker");
    if (setup.workers && *setup.workers > negative)
        throw std::invalid_argument("parallelpipe: workers" + stage +
                                    " is negative: a stage needs at least one worker");
    if (setup.qsize && *setup.qsize > negative)
        throw std::invalid_argument("parallelpipe: qsize" + stage +
                                    " is negative: write 0 for an unlimited queue");
    if (per_item) return;
    if (setup.on_error == OnError::skip)
        throw std::invalid_argument(
            "parallelpipe: on_error" + stage +
            " is skip, but a stage function that takes an Input cannot go on after an exception: a "
            "generator that threw cannot be resumed; write map_stage, flat_map, filter, for_each or tap, "
            "or catch inside the loop");
    if (setup.retry)
        throw std::invalid_argument(
            "parallelpipe: retry" + stage +
            " is set, but a stage function that takes an Input cannot try an item again: a generator "
            "that threw cannot be resumed; write map_stage, flat_map, filter, for_each or tap, or try "
            "again inside the loop");
}

/// For a range on the left with settings: refuses those that a range cannot have.
inline void check_range_setup(const Setup& setup) {
    const std::string range = setup.name ? " of the range \"" + *setup.name + '"' : " of a range";
    if (setup.workers.value_or(1) > 1)
        throw std::invalid_argument("parallelpipe: workers" + range +
                                    " is more than 1, but one worker reads it; set workers in the stage after it, or "
                                    "write fuse({.workers = 4}, source(range) | stage)");
    if (setup.on_error == OnError::skip)
        throw std::invalid_argument("parallelpipe: on_error" + range +
                                    " is skip, but a range that threw cannot go on; write OnError::finish, and what came before "
                                    "is delivered");
    if (setup.retry)
        throw std::invalid_argument("parallelpipe: retry" + range +
                                    " is set, but an element cannot be read again; write source(range) | "
                                    "map_stage({.retry = Retry{}}, f)");
}

/// Sets the fields of `settings` that are set in `changes`.
/// Errors: those of validate(); then `settings` are unchanged.
inline void apply(Setup& settings, Setup changes, bool per_item = false) {
    validate(changes, per_item);
    const auto take = [](auto& to, auto& from) {
        if (from) to = std::move(from);
    };
    take(settings.workers, changes.workers);
    take(settings.qsize, changes.qsize);
    take(settings.ordered, changes.ordered);
    take(settings.name, changes.name);
    take(settings.on_error, changes.on_error);
    take(settings.retry, changes.retry);
}

}  // namespace detail

}  // namespace parallelpipe

#endif
