// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_DROP_HPP
#define PARALLELPIPE_STAGES_DROP_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

struct drop_function {
    std::size_t count;

    template <class In>
    generator<In> operator()(Input<In> items) const {
        check_one_worker("drop");
        std::size_t left = count;
        for (In& item : items) {
            if (left == 0)
                co_yield std::move(item);
            else
                --left;
        }
    }
};
template <>
inline constexpr const char* kind_of<drop_function> = "drop";

}  // namespace detail

/// Makes a stage that leaves out the first `count` items.
/// Shape: the rest of the items, moved, in order. One worker.
/// Errors: `std::invalid_argument` for several workers.
template <class... Later>
auto drop(Setup setup, std::size_t count) {
    return detail::make_stage<detail::function_maker, detail::drop_function, Later...>(
        detail::one_worker("drop", std::move(setup)), detail::drop_function{count}, std::tuple<>());
}
template <class... Later>
auto drop(std::size_t count) {
    return drop<Later...>(Setup{}, count);
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(drop, std::size_t)

}  // namespace parallelpipe

#endif
