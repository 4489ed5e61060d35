// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_OPERAND_HPP
#define PARALLELPIPE_DETAIL_STAGE_OPERAND_HPP

// What can stand on a side of operator|, and which items it takes and yields.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/stage/stage_template.hpp>

#include <concepts>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class In, class Out>
class Stage;
template <class In, class Out>
class Pipeline;

namespace detail {

template <class In, class Out>
type_list<In, Out> ends_of(const Stage<In, Out>&);
template <class In, class Out>
type_list<In, Out> ends_of(const Pipeline<In, Out>&);

/// `in` and `out`, the item types of a Stage or a Pipeline (`typed`); or only whether T waits for its left side
/// (`generic`).
template <class T>
struct chain {
    static constexpr bool typed = false;
    static constexpr bool generic = std::is_base_of_v<generic_stage, T>;
};
template <class I, class O>
struct chain<type_list<I, O>> {
    static constexpr bool typed = true;
    static constexpr bool generic = false;
    using in = I;
    using out = O;
};
template <class T>
    requires requires(const T& operand) { detail::ends_of(operand); }
struct chain<T> : chain<decltype(detail::ends_of(std::declval<const T&>()))> {};

template <class T>
using chain_of = chain<std::remove_cvref_t<T>>;
template <class T>
concept typed_operand = chain_of<T>::typed;
template <class T>
concept generic_operand = chain_of<T>::generic;
template <class T>
concept operand = typed_operand<T> || generic_operand<T>;

/// A function for the items of Range, or for an Input of them. Not one that takes the range itself, as std::views::take
/// and its like do.
template <class F, class Range>
concept plain_function = !operand<F> && !std::ranges::range<F> && !std::invocable<F, Range> &&
                         (has_signature<std::decay_t<F>> ||
                          std::invocable<std::decay_t<F>&, std::ranges::range_reference_t<Range>>);

}  // namespace detail

}  // namespace parallelpipe

#endif
