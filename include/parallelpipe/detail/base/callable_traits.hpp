// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_CALLABLE_TRAITS_HPP
#define PARALLELPIPE_DETAIL_BASE_CALLABLE_TRAITS_HPP

// The parameters of a callable, as far as its type tells them.

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class T>
class Input;

namespace detail {

template <class... Ts>
struct type_list {};

/// False, for a static_assert that fails only where its template is used.
template <class...>
inline constexpr bool never = false;

/// f(parts...). As std::apply, without its checks, which take long to compile.
template <class F, class Tuple, std::size_t... I>
decltype(auto) spread(F& f, Tuple& parts, std::index_sequence<I...>) {
    return f(std::get<I>(parts)...);
}
template <class F, class Tuple>
decltype(auto) spread(F f, Tuple& parts) {
    return detail::spread(f, parts, std::make_index_sequence<std::tuple_size_v<Tuple>>{});
}

// ---- the item type of an Input parameter ----------------------------------------------------

struct not_an_input {};

template <class T>
struct input_item {
    using type = not_an_input;
};
template <class T>
struct input_item<Input<T>> {
    using type = T;
};
/// `T` for `Input<T>`, by value or by reference; `not_an_input` for anything else.
template <class Parameter>
using input_item_t = typename input_item<std::remove_cvref_t<Parameter>>::type;

// ---- the parameters of a callable -----------------------------------------------------------

struct undeducible {
    static constexpr bool known = false;
};

template <class Result, class... Parameters>
struct known_signature {
    static constexpr bool known = true;
    static constexpr bool is_member = false;
    using result = Result;
    using parameters = type_list<Parameters...>;
};

template <class Object, class Result, class... Parameters>
struct member_signature : known_signature<Result, Parameters...> {
    static constexpr bool is_member = true;
    using object = Object;
};

template <class>
struct signature_of_pointer : undeducible {};

template <class R, class... P>
struct signature_of_pointer<R (*)(P...)> : known_signature<R, P...> {};
template <class R, class... P>
struct signature_of_pointer<R (*)(P...) noexcept> : known_signature<R, P...> {};

// Of a function type, which std::reference_wrapper can have.
template <class R, class... P>
struct signature_of_pointer<R(P...)> : known_signature<R, P...> {};
template <class R, class... P>
struct signature_of_pointer<R(P...) noexcept> : known_signature<R, P...> {};

#define PARALLELPIPE_MEMBER_SIGNATURE(QUALIFIERS)                                              \
    template <class C, class R, class... P>                                                    \
    struct signature_of_pointer<R (C::*)(P...) QUALIFIERS> : member_signature<C, R, P...> {};  \
    template <class C, class R, class... P>                                                    \
    struct signature_of_pointer<R (C::*)(P...) QUALIFIERS noexcept>                            \
        : member_signature<C, R, P...> {};
PARALLELPIPE_MEMBER_SIGNATURE()
PARALLELPIPE_MEMBER_SIGNATURE(const)
PARALLELPIPE_MEMBER_SIGNATURE(&)
PARALLELPIPE_MEMBER_SIGNATURE(const&)
PARALLELPIPE_MEMBER_SIGNATURE(&&)
PARALLELPIPE_MEMBER_SIGNATURE(const&&)
#undef PARALLELPIPE_MEMBER_SIGNATURE

template <class C, class R, class... P>
known_signature<R, P...> without_object(const member_signature<C, R, P...>&);

template <class F>
struct signature : signature_of_pointer<F> {};
template <class F>
    requires requires { &F::operator(); }
struct signature<F>
    : decltype(detail::without_object(signature_of_pointer<decltype(&F::operator())>{})) {};
template <class F>
struct signature<std::reference_wrapper<F>> : signature<F> {};

/// The parameters of a lambda whose first parameter alone is generic, where that one is an `In`. The lambda need not
/// compile for any other type.
template <class F, class In>
struct generic_parameters {
    using type = void;
};
template <class F, class In>
    requires requires { typename signature_of_pointer<decltype(&F::template operator()<In>)>::parameters; }
struct generic_parameters<F, In> {
    using type = typename signature_of_pointer<decltype(&F::template operator()<In>)>::parameters;
};
template <class F, class In>
struct generic_parameters<std::reference_wrapper<F>, In> : generic_parameters<F, In> {};

/// Whether the type `F` tells its parameters: not that of a generic lambda or of a class with an overloaded call
/// operator.
template <class F>
concept has_signature = signature<F>::known;

/// The parameters of F where the first is an `In`, if its type tells them; else void.
template <class F, class In>
struct parameters_for : generic_parameters<F, In> {};
template <class F, class In>
    requires has_signature<F>
struct parameters_for<F, In> {
    using type = typename signature<F>::parameters;
};

}  // namespace detail

}  // namespace parallelpipe

#endif
