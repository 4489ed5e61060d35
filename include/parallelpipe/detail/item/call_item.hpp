// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_CALL_ITEM_HPP
#define PARALLELPIPE_DETAIL_ITEM_CALL_ITEM_HPP

// How an item goes to the function that is called with it: as an rvalue, as an lvalue or as a copy.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/stage/stateful_function.hpp>
#include <parallelpipe/item.hpp>

#include <concepts>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// f(item, arguments...); for a member function (object.*f)(item, ...), or, without an object, item.f().
template <class F, class Item, class... Arguments>
concept maps = std::invocable<F&, Item, Arguments&...>;
template <class F, class Item, class Object, class... Arguments>
concept maps_by_method =
    std::is_member_pointer_v<F> && std::invocable<F&, Object&, Item, Arguments&...>;

struct call_item {
    template <class F, class Item, class... Arguments>
        requires maps<F, Item, Arguments...>
    decltype(auto) operator()(F& f, Item&& item, Arguments&... arguments) const {
        return std::invoke(f, std::forward<Item>(item), arguments...);
    }
    template <class F, class Item, class Object, class... Arguments>
        requires maps_by_method<F, Item, Object, Arguments...>
    decltype(auto) operator()(F& f, Item&& item, Object& object, Arguments&... arguments) const {
        return std::invoke(f, object, std::forward<Item>(item), arguments...);
    }
    template <class F, class Item, class... Arguments>
        requires(is_stateful<F> && std::invocable<call_function, F&, Item, Arguments&...>)
    decltype(auto) operator()(F& f, Item&& item, Arguments&... arguments) const {
        return f.call(std::forward<Item>(item), arguments...);
    }
};

template <class F, class Item, class... Arguments>
concept calls_item = std::invocable<call_item, F&, Item, Arguments&...>;

template <class Parameters>
struct first_of {
    using type = void;
};
template <class First, class... Rest>
struct first_of<type_list<First, Rest...>> {
    using type = First;
};
/// The type of the first parameter of F, which takes the item; void if it is unknown.
template <class F, class In>
using item_parameter = typename first_of<typename parameters_for<F, In>::type>::type;

enum class handing { rvalue, lvalue, copy, impossible };

/// How F gets an item that is not needed after the call: as an rvalue if F takes one.
template <class F, class In, class... Arguments>
inline constexpr handing last_handing =
    calls_item<F, In, Arguments...> ? handing::rvalue : handing::lvalue;

/// How F gets an item that has to stay whole: as an lvalue, else as a copy. A generic function that takes the rvalue
/// is not tried with an lvalue, for which its body need not compile.
template <class F, class In, class... Arguments>
inline constexpr handing whole_handing = [] {
    using parameter = item_parameter<F, In>;
    constexpr handing copy = is_copyable_item<In> ? handing::copy : handing::impossible;
    constexpr bool is_generic = !has_signature<F> && !std::is_void_v<parameter>;
    if constexpr (!calls_item<F, In, Arguments...> || std::same_as<parameter, const In&>)
        return handing::lvalue;
    else if constexpr (is_generic || std::same_as<parameter, In>)
        return copy;
    else
        return calls_item<F, In&, Arguments...> ? handing::lvalue : copy;
}();

[[noreturn]] inline void throw_not_whole(const std::string& what, const std::string& stage) {
    throw std::invalid_argument(
        "parallelpipe: " + what + stage +
        " needs an item that is still whole after the function failed, but the function takes it by "
        "value or as an rvalue, and it cannot be copied; take it by reference: [](T& item) { ... }");
}

}  // namespace parallelpipe::detail

#endif
