// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_MAP_STAGE_HPP
#define PARALLELPIPE_STAGES_MAP_STAGE_HPP

#include <parallelpipe/detail/stages/map_function.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

/// Makes a stage that maps each item to one result: `map_stage({.workers = 4}, f)`.
/// Shape: an ItemStage; one result per item, `f(item, arguments...)`; a reference that `f` returns is copied. The item
///   is destroyed after the call, so the result must not be a view of it, see Lasting. A call binds the parameters
///   after the item: `map_stage(f)(7)`. A generic `f`, and one that takes a view such as a `std::string_view`, gets
///   its item type from the left of `|`. with_state gives each worker a state for `f`.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class F>
auto map_stage(Setup setup, F&& f) {
    return detail::make_item_stage<detail::item_stage_maker<detail::map_function>>(std::move(setup),
                                                                            std::forward<F>(f));
}
template <class F>
auto map_stage(F&& f) {
    return map_stage(Setup{}, std::forward<F>(f));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(map_stage, detail::anything)

}  // namespace parallelpipe

#endif
