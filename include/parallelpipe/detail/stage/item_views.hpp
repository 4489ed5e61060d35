// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_ITEM_VIEWS_HPP
#define PARALLELPIPE_DETAIL_STAGE_ITEM_VIEWS_HPP

// Which types are views of memory that another object owns, and which own their memory. A view of an item must not
// leave the stage: the item is destroyed when the stage asks for the next one.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/item.hpp>

#include <concepts>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace parallelpipe::inline v0::detail {

template <class>
inline constexpr bool is_lasting = false;
template <class View>
inline constexpr bool is_lasting<Lasting<View>> = true;

/// A borrowed range that computes its elements, and so refers to no memory.
template <class>
inline constexpr bool makes_elements = false;
template <class From, class To>
inline constexpr bool makes_elements<std::ranges::iota_view<From, To>> = true;
template <class T>
inline constexpr bool makes_elements<std::ranges::empty_view<T>> = true;

/// The types of the objects that a T holds, except the elements of a range.
template <class T>
struct parts_of {
    using type = type_list<>;
};
template <class A, class B>
struct parts_of<std::pair<A, B>> {
    using type = type_list<A, B>;
};
template <class... Parts>
struct parts_of<std::tuple<Parts...>> {
    using type = type_list<Parts...>;
};
template <class... Parts>
struct parts_of<std::variant<Parts...>> {
    using type = type_list<Parts...>;
};
template <class T>
struct parts_of<std::optional<T>> {
    using type = type_list<T>;
};

/// Whether a T is a view of memory that another object owns, or holds such a view. A pointer and a
/// std::reference_wrapper do not count: their types make that obvious. `Seen` are the types that T is a part of.
template <class T, class... Seen>
constexpr bool views_memory() {
    const auto any_of = []<class... Parts>(type_list<Parts...>) {
        return (detail::views_memory<std::remove_cv_t<Parts>, T, Seen...>() || ...);
    };
    if constexpr ((std::same_as<T, Seen> || ...) || is_lasting<T> || makes_elements<T> || !std::is_class_v<T>)
        return false;
    else if constexpr (is_ref_view<T>)
        return true;
    else if constexpr (std::ranges::view<T> && requires(T view) { std::move(view).base(); })
        return any_of(type_list<std::remove_cvref_t<decltype(std::declval<T>().base())>>{});
    else if constexpr (std::ranges::input_range<T>)
        return std::ranges::enable_borrowed_range<T> || any_of(type_list<std::ranges::range_value_t<T>>{});
    else
        return any_of(typename parts_of<T>::type{});
}

/// A container, or a class with a destructor that does something.
template <class T>
concept owns_memory = std::is_class_v<T> && !is_lasting<T> && !std::ranges::enable_borrowed_range<T> &&
                      ((std::ranges::range<T> && !std::ranges::view<T>) || !std::is_trivially_destructible_v<T>);

/// A view of the elements of a container, whose elements may be views themselves.
template <class Item, class Result>
concept views_elements = std::ranges::range<Item> && std::ranges::range<Result> &&
                         std::ranges::enable_borrowed_range<Result> &&
                         std::same_as<std::ranges::range_value_t<Item>, std::ranges::range_value_t<Result>>;

/// Whether a Result that was made from an Item may be a view of the Item's memory. If the Item holds views itself, the
/// Result is more likely a copy of these, so the answer is no.
template <class Item, class Result>
constexpr bool may_view() {
    if constexpr (std::same_as<Item, Result> || !owns_memory<Item> || std::is_void_v<Result>)
        return false;
    else if constexpr (detail::views_memory<Result>())
        return !detail::views_memory<Item>() || views_elements<Item, Result>;
    else
        return false;
}

}  // namespace parallelpipe::detail

#endif
