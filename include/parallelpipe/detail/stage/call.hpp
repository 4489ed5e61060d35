// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_CALL_HPP
#define PARALLELPIPE_DETAIL_STAGE_CALL_HPP

// How a stage function is called, and what its type says about its items.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>

#include <concepts>
#include <functional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

// ---- calling a stage function ---------------------------------------------------------------

struct no_input {};

/// Whether f(arguments...) compiles. As std::invocable, which takes several times as long to compile.
template <class F, class... Arguments>
concept calls = !std::is_member_pointer_v<F> && requires(F& f, Arguments&&... arguments) {
    f(static_cast<Arguments&&>(arguments)...);
};

/// f(input, arguments...); for a member function (object.*f)(input, arguments...); without the input
/// for a source.
template <class F, class... Arguments>
    requires calls<F, Arguments...>
decltype(auto) invoke_stage(F& f, no_input&&, Arguments&&... arguments) {
    return f(std::forward<Arguments>(arguments)...);
}
template <class F, class... Arguments>
    requires(std::is_member_pointer_v<F> && std::invocable<F&, Arguments...>)
decltype(auto) invoke_stage(F& f, no_input&&, Arguments&&... arguments) {
    return std::invoke(f, std::forward<Arguments>(arguments)...);
}
template <class F, class In, class... Arguments>
    requires(!std::same_as<In, no_input> && calls<F, In, Arguments...>)
decltype(auto) invoke_stage(F& f, In&& input, Arguments&&... arguments) {
    return f(std::forward<In>(input), std::forward<Arguments>(arguments)...);
}
template <class F, class In, class Object, class... Arguments>
    requires(std::is_member_pointer_v<F> && !std::same_as<In, no_input> &&
             std::invocable<F&, Object, In, Arguments...>)
decltype(auto) invoke_stage(F& f, In&& input, Object&& object, Arguments&&... arguments) {
    return std::invoke(f, std::forward<Object>(object), std::forward<In>(input),
                       std::forward<Arguments>(arguments)...);
}

template <class F, class In, class... Arguments>
concept stage_invocable = requires(F& f, In&& input, Arguments&&... arguments) {
    detail::invoke_stage(f, static_cast<In&&>(input), static_cast<Arguments&&>(arguments)...);
};

/// A stage function gets its Input as an rvalue if it takes one, else as an lvalue; the worker's own copies of the
/// arguments as lvalues if it takes them, else as rvalues.
template <class F, class In, class... Bound>
concept callable_as_stage =
    stage_invocable<F, In&&, Bound&...> || stage_invocable<F, In&, Bound&...> ||
    stage_invocable<F, In&&, Bound&&...> || stage_invocable<F, In&, Bound&&...>;

template <class F, class In, class... Bound>
decltype(auto) call_stage(F& f, In& input, std::tuple<Bound...>& bound) {
    // Most stages have no arguments, and spread() takes long to compile.
    if constexpr (sizeof...(Bound) == 0) {
        if constexpr (stage_invocable<F, In&&>)
            return detail::invoke_stage(f, std::move(input));
        else
            return detail::invoke_stage(f, input);
    } else if constexpr (stage_invocable<F, In&&, Bound&...>)
        return detail::spread(
            [&](auto&... a) -> decltype(auto) {
                return detail::invoke_stage(f, std::move(input), a...);
            },
            bound);
    else if constexpr (stage_invocable<F, In&, Bound&...>)
        return detail::spread(
            [&](auto&... a) -> decltype(auto) { return detail::invoke_stage(f, input, a...); },
            bound);
    else if constexpr (stage_invocable<F, In&&, Bound&&...>)
        return detail::spread(
            [&](auto&... a) -> decltype(auto) {
                return detail::invoke_stage(f, std::move(input), std::forward<Bound>(a)...);
            },
            bound);
    else
        return detail::spread(
            [&](auto&... a) -> decltype(auto) {
                return detail::invoke_stage(f, input, std::forward<Bound>(a)...);
            },
            bound);
}

template <class In>
struct input_of {
    using type = Input<In>;
};
template <>
struct input_of<void> {
    using type = no_input;
};
template <class In>
using input_of_t = typename input_of<In>::type;

template <class F, class In, class... Bound>
using stage_result_t = decltype(detail::call_stage(std::declval<F&>(),
                                                   std::declval<input_of_t<In>&>(),
                                                   std::declval<std::tuple<Bound...>&>()));

// ---- what a stage function's signature says -------------------------------------------------

template <class Result>
struct output_item {
    static constexpr bool valid = false;
    using type = void;
};
template <>
struct output_item<void> {
    static constexpr bool valid = true;
    using type = void;
};
template <class Result>
    requires(std::is_object_v<Result> && std::ranges::input_range<Result>)
struct output_item<Result> {
    static constexpr bool valid = true;
    using type = std::ranges::range_value_t<Result>;
};
/// What a stage function that returns `Result` yields.
template <class Result>
using output_item_t = typename output_item<Result>::type;

template <class Parameters>
struct first_parameter_input {
    using type = void;
};
template <class First, class... Rest>
    requires(!std::same_as<input_item_t<First>, not_an_input>)
struct first_parameter_input<type_list<First, Rest...>> {
    using type = input_item_t<First>;
};

/// The type in which an argument of type A is kept for a parameter of type P: A, unless P is a reference that A only
/// binds to by a conversion; then the target of the conversion. A conversion at the call would make a temporary
/// that is destroyed before the coroutine runs.
template <class P, class A>
using bound_as = std::conditional_t<
    std::is_reference_v<P> && !std::is_reference_v<A> &&
        (std::is_const_v<std::remove_reference_t<P>> || std::is_rvalue_reference_v<P>) &&
        !std::is_same_v<std::remove_cvref_t<P>, A> &&
        !std::is_base_of_v<std::remove_cvref_t<P>, A> &&
        std::is_constructible_v<std::remove_cvref_t<P>, A>,
    std::remove_cvref_t<P>, A>;

template <class Parameters, class Arguments>
struct bound_list {
    using type = Arguments;  // the parameters are unknown or do not fit
};
template <class... P, class... A>
    requires(sizeof...(P) == sizeof...(A))
struct bound_list<type_list<P...>, type_list<A...>> {
    using type = type_list<bound_as<P, A>...>;
};

template <class Parameters>
struct after_input {
    using type = Parameters;
};
template <class First, class... Rest>
    requires(!std::same_as<input_item_t<First>, not_an_input>)
struct after_input<type_list<First, Rest...>> {
    using type = type_list<Rest...>;
};

template <class First, class List>
struct prepended;
template <class First, class... Rest>
struct prepended<First, type_list<Rest...>> {
    using type = type_list<First, Rest...>;
};

/// A stage function of the library around one of the user: the types of its arguments are final.
template <class F>
concept knows_its_arguments = requires { F::knows_its_arguments; };

/// The types in which the arguments A of the stage function F are kept; F reads items of type In.
template <class F, class In, class... A>
struct kept_arguments {
    using type = type_list<A...>;
};
template <class F, class In, class... A>
    requires(has_signature<F> && !std::is_member_pointer_v<F>)
struct kept_arguments<F, In, A...>
    : bound_list<typename after_input<typename signature<F>::parameters>::type, type_list<A...>> {};
template <class F, class In, class... A>
    requires(sizeof...(A) != 0 && !has_signature<F> && !std::is_void_v<In> && !knows_its_arguments<F> &&
             !std::is_void_v<typename generic_parameters<F, Input<In>>::type>)
struct kept_arguments<F, In, A...>
    : bound_list<typename after_input<typename generic_parameters<F, Input<In>>::type>::type, type_list<A...>> {
};
template <class F, class In, class Object, class... A>
    requires(has_signature<F> && std::is_member_pointer_v<F>)
struct kept_arguments<F, In, Object, A...>
    : prepended<Object, typename bound_list<typename after_input<typename signature<F>::parameters>::type,
                                            type_list<A...>>::type> {};

template <class Parameters>
struct after_first {
    using type = void;
};
template <class First, class... Rest>
struct after_first<type_list<First, Rest...>> {
    using type = type_list<Rest...>;
};
/// `Bound`, which may be a std::reference_wrapper, unless the argument is converted.
template <class Bound, class Kept>
using bound_or_kept = std::conditional_t<std::is_same_v<std::unwrap_reference_t<Bound>, Kept>, Bound, Kept>;
template <class... Bound, class... Kept>
type_list<bound_or_kept<Bound, Kept>...> bound_or_kept_of(type_list<Bound...>, type_list<Kept...>);

template <class F, class In, class... Bound>
using bound_after_item = decltype(detail::bound_or_kept_of(
    type_list<Bound...>{},
    typename bound_list<typename after_first<typename parameters_for<F, In>::type>::type,
                        type_list<std::unwrap_reference_t<Bound>...>>::type{}));

/// As kept_arguments, for a function F that is called with one item of type In and these arguments.
template <class F, class In, class... Bound>
struct kept_after_item {
    using type = bound_after_item<F, In, Bound...>;
};
template <class F, class In>
struct kept_after_item<F, In> {
    using type = type_list<>;
};
template <class F, class In, class Object, class... Bound>
    requires(std::is_member_pointer_v<F>)
struct kept_after_item<F, In, Object, Bound...> : prepended<Object, bound_after_item<F, In, Bound...>> {};

template <class>
inline constexpr bool is_generator = false;
template <class T>
inline constexpr bool is_generator<generator<T>> = true;

/// Whether the call of F is noexcept and reads the items itself: then an exception cannot unwind it. (A coroutine
/// reads after the call, and catches exceptions itself.)
template <class F, class In, class... Bound>
inline constexpr bool reads_without_unwinding = [] {
    if constexpr (is_generator<stage_result_t<F, In, Bound...>>)
        return false;
    else if constexpr (std::is_member_pointer_v<F>)
        return std::is_nothrow_invocable_v<F&, Input<In>, Bound&...>;
    else
        return requires(F& f, Input<In>&& input, Bound&... bound) {
            { f(std::move(input), bound...) } noexcept;
        };
}();

}  // namespace parallelpipe::detail

#endif
