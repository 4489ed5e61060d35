// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_ENUMERATE_HPP
#define PARALLELPIPE_STAGES_ENUMERATE_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

struct enumerate_function {
    template <class In>
    generator<std::pair<std::size_t, In>> operator()(Input<In> items) const {
        check_one_worker("enumerate");
        std::size_t index = 0;
        for (In& item : items) {
            std::pair<std::size_t, In> numbered(index++, std::move(item));
            co_yield std::move(numbered);
        }
    }
};
template <>
inline constexpr const char* kind_of<enumerate_function> = "enumerate";

}  // namespace detail

/// Makes a stage that numbers its items, from 0.
/// Shape: one `std::pair<std::size_t, T>` per item, in order. One worker.
/// Errors: `std::invalid_argument` for several workers.
template <class... Later>
auto enumerate(Setup setup = {}) {
    return detail::make_stage<detail::function_maker, detail::enumerate_function, Later...>(
        detail::one_worker("enumerate", std::move(setup)), detail::enumerate_function{},
        std::tuple<>());
}
template <detail::misnamed Wrong = detail::misnamed_setup>
detail::no_such_setting<Wrong> enumerate(Wrong);

}  // namespace parallelpipe

#endif
