// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_FLAT_MAP_HPP
#define PARALLELPIPE_STAGES_FLAT_MAP_HPP

#include <parallelpipe/detail/stages/flat_map_function.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <utility>

namespace parallelpipe::inline v0 {

/// Makes a stage that maps each item to a range of results: `flat_map({.workers = 4}, words_of)`.
/// Shape: an ItemStage; 0..n results per item, the elements of `f(item, arguments...)`, each as soon as it is there.
///   `f` may return any input range, a generator too. The elements of a container that it returns by value are moved,
///   those of an lvalue copied. With `retry`, a dead-letter handler or OnError::skip the range is read to its end
///   before its first element leaves, so that no result of an item that fails leaves the stage. A call binds the
///   parameters after the item: `flat_map(f)(7)`. A generic `f`, and one that takes a view such as a
///   `std::string_view`, gets its item type from the left of `|`.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class F>
auto flat_map(Setup setup, F&& f) {
    return detail::make_item_stage<detail::item_stage_maker<detail::flat_map_function>>(
        std::move(setup), std::forward<F>(f));
}
template <class F>
auto flat_map(F&& f) {
    return flat_map(Setup{}, std::forward<F>(f));
}

/// Makes a stage that takes ranges apart: the reverse of `batch`.
/// Shape: 0..n results per item: its elements, moved if the item owns them.
template <class... Later>
auto unbatch(Setup setup = {}) {
    return detail::make_stage<detail::item_stage_maker<detail::flat_map_function>, detail::own_parts, Later...>(
        std::move(setup), detail::own_parts{}, std::tuple<>());
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(flat_map, detail::anything)
template <detail::misnamed Wrong = detail::misnamed_setup>
detail::no_such_setting<Wrong> unbatch(Wrong);

}  // namespace parallelpipe

#endif
