// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_TAKE_HPP
#define PARALLELPIPE_STAGES_TAKE_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

struct take_function {
    std::size_t count;

    template <class In>
    generator<In> operator()(Input<In> items) const {
        check_one_worker("take");
        if (count == 0) co_return;
        std::size_t taken = 0;
        for (In& item : items) {
            co_yield std::move(item);
            if (++taken == count) co_return;  // before it waits for the next item
        }
    }
};
template <>
inline constexpr const char* kind_of<take_function> = "take";

template <class Predicate>
struct take_while_function {
    Predicate predicate;

    template <class In>
        requires requires(Predicate& p, In& item) {
            { call_function{}(p, item) } -> std::convertible_to<bool>;
        }
    generator<In> operator()(Input<In> items) {
        check_one_worker("take_while");
        detail::make_state_of(predicate);
        for (In& item : items) {
            if (!call_function{}(predicate, item)) co_return;
            co_yield std::move(item);
        }
    }
};
template <class Predicate>
inline constexpr const char* kind_of<take_while_function<Predicate>> = "take_while";

}  // namespace detail

/// Makes a stage that passes on the first `count` items and then stops all stages before it.
/// Shape: the items, moved, in order. One worker. (`results() | std::views::take(count)` does the same for the results
///   of a pipeline.)
/// Errors: `std::invalid_argument` for several workers.
template <class... Later>
auto take(Setup setup, std::size_t count) {
    return detail::make_stage<detail::function_maker, detail::take_function, Later...>(
        detail::one_worker("take", std::move(setup)), detail::take_function{count}, std::tuple<>());
}
template <class... Later>
auto take(std::size_t count) {
    return take<Later...>(Setup{}, count);
}

/// Makes a stage that passes on items until `predicate` is false for one, and then stops all stages before it.
/// Shape: the items, moved, in order, without the one for which it was false. The predicate gets an item as an lvalue.
///   One worker.
/// Errors: `std::invalid_argument` for several workers.
template <class Predicate>
auto take_while(Setup setup, Predicate&& predicate) {
    using function = detail::take_while_function<std::decay_t<Predicate>>;
    return detail::make_stage<detail::function_maker>(
        detail::one_worker("take_while", std::move(setup)),
        function{std::forward<Predicate>(predicate)}, std::tuple<>());
}
template <class Predicate>
auto take_while(Predicate&& predicate) {
    return take_while(Setup{}, std::forward<Predicate>(predicate));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(take, std::size_t)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(take_while, detail::anything)

}  // namespace parallelpipe

#endif
