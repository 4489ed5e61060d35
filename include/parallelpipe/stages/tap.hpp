// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_TAP_HPP
#define PARALLELPIPE_STAGES_TAP_HPP

#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

/// Not a function that takes the item only to change it. (The second question is asked only if the answer to the first
/// is no: a generic function is never instantiated for an argument that it will not get.)
template <class F, class In>
concept looks_only = calls_item<F, const In&> || !calls_item<F, In&>;

template <class F, class In>
class tap_function : public looking_function<F, In> {
    static_assert(looks_only<F, In>,
                  "parallelpipe: tap shows its function each item as a const lvalue, so it cannot take "
                  "it as T&; take it as const T& or by value, or write map_stage(f) to change items");

public:
    using looking_function<F, In>::looking_function;

    template <class... Arguments>
        requires calls_item<F, const In&, Arguments...>
    auto operator()(Input<In> items, Arguments&... arguments) {
        return this->kernel_over(std::move(items), [this, bound = std::tie(arguments...)](In& item) {
            detail::spread(
                [&](auto&... a) {
                    static_cast<void>(call_item{}(this->f_, std::as_const(item), a...));
                },
                bound);
            return true;
        });
    }
};
template <class F, class In>
inline constexpr const char* kind_of<tap_function<F, In>> = "tap";

}  // namespace detail

/// Makes a stage that shows each item to `f` and passes it on: for logging, counting, progress.
/// Shape: an ItemStage; the item itself, moved. `f` gets it as a const lvalue; what `f` returns is ignored. A call binds
///   the parameters after the item: `tap(f)(7)`. A generic `f`, and one that takes a view such as a `std::string_view`,
///   gets its item type from the left of `|`.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class F>
auto tap(Setup setup, F&& f) {
    return detail::make_item_stage<detail::item_stage_maker<detail::tap_function>>(std::move(setup),
                                                                            std::forward<F>(f));
}
template <class F>
auto tap(F&& f) {
    return tap(Setup{}, std::forward<F>(f));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(tap, detail::anything)

}  // namespace parallelpipe

#endif
