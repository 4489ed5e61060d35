// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_RANGE_ELEMENTS_HPP
#define PARALLELPIPE_DETAIL_BASE_RANGE_ELEMENTS_HPP

// The elements of a range that the library owns.

#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class>
inline constexpr bool is_owning_view = false;
template <class R>
inline constexpr bool is_owning_view<std::ranges::owning_view<R>> = true;
template <class>
inline constexpr bool is_ref_view = false;
template <class R>
inline constexpr bool is_ref_view<std::ranges::ref_view<R>> = true;

/// Whether the elements of a range that is held by value are moved out of it: those of a container are, and those of a
/// range that can be read only once. A view that can be read again shows elements of another object: they are copied.
template <class Range>
inline constexpr bool gives_elements_away =
    !std::ranges::view<Range> || is_owning_view<Range> ||
    (!std::ranges::forward_range<Range> && !is_ref_view<Range>);

/// The element at `it`, as an rvalue where the range gives its elements away.
template <class Range>
constexpr decltype(auto) take_element(std::ranges::iterator_t<Range>& it) {
    if constexpr (gives_elements_away<std::remove_const_t<Range>>)
        return std::ranges::iter_move(it);
    else
        return *it;
}

template <class Range>
using taken_element_t =
    decltype(take_element<Range>(std::declval<std::ranges::iterator_t<Range>&>()));

}  // namespace parallelpipe::detail

#endif
