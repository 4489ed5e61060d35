// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_SOURCE_HPP
#define PARALLELPIPE_STAGES_SOURCE_HPP

#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

template <class Range>
constexpr bool check_source() {
    if constexpr (!std::ranges::viewable_range<Range>) {
        static_assert(std::ranges::viewable_range<Range>,
                      "parallelpipe: the range that source takes can only be moved, not referred to; write "
                      "source(std::move(range))");
        return false;
    } else {
        using element = taken_element_t<std::views::all_t<Range>>;
        constexpr bool fits = std::is_convertible_v<element, std::ranges::range_value_t<Range>>;
        static_assert(fits, "parallelpipe: the elements of the range that source takes cannot be copied; hand over "
                            "the container itself: source(std::move(range))");
        return fits;
    }
}

template <class None>
struct no_range {
    static_assert(never<None>, "parallelpipe: source takes a range, and this is none; for a function that returns a "
                               "generator write stage(f), and stage(f)(arguments) where it has parameters");
};

}  // namespace detail

/// Makes a source of a range, with the settings that a range on the left of `|` lacks: `source({.qsize = 4}, range)`.
/// Shape: a Stage<void, T> of the elements, in order, T their value type. As with a range on the left of `|`, an lvalue
///   is referred to (keep it alive), an rvalue is owned, and what can be read only once runs once. One worker reads it;
///   in `fuse(source(range) | stage)` the workers of the fused stage do.
/// Errors: `std::invalid_argument` for several workers, for OnError::skip and for `retry`. With OnError::finish a range
///   that throws has ended: what came before it is delivered to the end, then the run throws TaskException.
///
///     auto files = source({.qsize = 4, .name = "files", .on_error = OnError::finish}, list_files("."));
///     for (auto& size : (files | map_stage({.workers = 4}, size_of)).results()) print(size);
///     auto all = source(numbers).collect();
template <std::ranges::input_range Range>
auto source(Setup setup, Range&& range) {
    if constexpr (detail::check_source<Range>()) {
        using Item = std::ranges::range_value_t<Range>;
        return Stage<void, Item>(detail::range_entry<Item>(std::forward<Range>(range))).setup(std::move(setup));
    }
}
template <std::ranges::input_range Range>
auto source(Range&& range) {
    return parallelpipe::source(Setup{}, std::forward<Range>(range));
}

template <class None = void>
detail::no_range<None> source(detail::anything);
template <class None = void>
detail::no_range<None> source(Setup, detail::anything);
PARALLELPIPE_REFUSE_WRONG_SETTINGS(source, detail::anything)

}  // namespace parallelpipe

#endif
