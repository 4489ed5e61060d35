// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_FILTER_HPP
#define PARALLELPIPE_STAGES_FILTER_HPP

#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

template <class F, class In, class... Arguments>
concept judges_item = requires(F& f, In& item, Arguments&... arguments) {
    { call_item{}(f, item, arguments...) } -> std::convertible_to<bool>;
};

template <class F, class In>
class filter_function : public looking_function<F, In> {
public:
    using looking_function<F, In>::looking_function;

    template <class... Arguments>
        requires judges_item<F, In, Arguments...>
    auto operator()(Input<In> items, Arguments&... arguments) {
        return this->kernel_over(std::move(items), [this, bound = std::tie(arguments...)](In& item) {
            return detail::spread(
                [&](auto&... a) { return static_cast<bool>(call_item{}(this->f_, item, a...)); }, bound);
        });
    }
};
template <class F, class In>
inline constexpr const char* kind_of<filter_function<F, In>> = "filter";

}  // namespace detail

/// Makes a stage that passes on the items for which `predicate` is true.
/// Shape: an ItemStage; the item itself, moved, or nothing. The predicate gets the item as an lvalue. A call binds the
///   parameters after the item: `filter(f)(7)`. A generic predicate, and one that takes a view such as a
///   `std::string_view`, gets its item type from the left of `|`.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class Predicate>
auto filter(Setup setup, Predicate&& predicate) {
    return detail::make_item_stage<detail::item_stage_maker<detail::filter_function>>(
        std::move(setup), std::forward<Predicate>(predicate));
}
template <class Predicate>
auto filter(Predicate&& predicate) {
    return filter(Setup{}, std::forward<Predicate>(predicate));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(filter, detail::anything)

}  // namespace parallelpipe

#endif
