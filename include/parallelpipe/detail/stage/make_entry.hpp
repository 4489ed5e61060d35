// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_MAKE_ENTRY_HPP
#define PARALLELPIPE_DETAIL_STAGE_MAKE_ENTRY_HPP

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/function_stage.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/stage/stage_template.hpp>

#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class In, class Out>
class Stage;

namespace detail {

/// The entry of Stage<In, Out>(f, arguments...).
template <class In, class Out, class F, class... Arguments>
stage_entry make_entry(F&& f, Arguments&&... arguments) {
    using Function = std::decay_t<F>;
    stage_entry entry;
    if constexpr (std::is_base_of_v<generic_stage, Function>) {
        if constexpr (sizeof...(Arguments) != 0) {
            entry = Stage<In, Out>(f(std::forward<Arguments>(arguments)...)).entry();
        } else if constexpr (!std::is_void_v<decltype(f.template on<In>())>) {
            const auto made = f.template on<In>();
            if constexpr (detail::is_made_of<In, Out, decltype(made)>()) entry = made.entry();
        }
    } else {
        entry.kind = kind_of<Function>;
        [&]<class... Bound>(type_list<Bound...>) {
            if constexpr (detail::fits_stage<In, Out, Function, Bound...>())
                entry.code = detail::make_code<function_stage<In, Out, Function, Bound...>>(
                    std::forward<F>(f), std::forward<Arguments>(arguments)...);
            entry.yields_views = detail::views_memory<Out>();
            entry.views_items = detail::may_view<In, Out>();
            entry.keeps_items = requires { Function::keeps_items; };
        }(typename kept_arguments<Function, In, std::unwrap_ref_decay_t<Arguments>...>::type{});
    }
    return entry;
}

}  // namespace detail

}  // namespace parallelpipe

#endif
