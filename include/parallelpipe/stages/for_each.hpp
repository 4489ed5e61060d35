// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_FOR_EACH_HPP
#define PARALLELPIPE_STAGES_FOR_EACH_HPP

#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

template <class F, class In>
class for_each_function : public consuming_function<F, In> {
public:
    using consuming_function<F, In>::consuming_function;

    template <class... Arguments>
        requires consumes_item<F, In, Arguments...>
    void operator()(Input<In> items, Arguments&... arguments) {
        const item_policy<In> policy = this->worker_begins();
        const auto last = [&](In& item) { static_cast<void>(this->hand_last(item, arguments...)); };
        const auto whole = [&](In& item) {
            this->hand_whole([](auto call) { static_cast<void>(call()); }, item, arguments...);
        };
        if (!policy.is_active())
            for (In& item : items) policy.once([&] { last(item); });
        else if (!policy.keeps_whole())
            for (In& item : items) policy.attempt(item, [&] { last(item); });
        else
            for (In& item : items) policy.attempt(item, [&] { whole(item); });
    }
};
template <class F, class In>
inline constexpr const char* kind_of<for_each_function<F, In>> = "for_each";

}  // namespace detail

/// Makes a sink that calls `f` with each item: `for_each({.workers = 4}, store)`.
/// Shape: an ItemStage without results; what `f` returns is ignored. `f` gets the item as an rvalue if it takes one. A
///   call binds the parameters after the item: `for_each(f)(7)`. A generic `f`, and one that takes a view such as a
///   `std::string_view`, gets its item type from the left of `|`.
/// Threads: the workers call `f`; Pipeline::for_each calls it in the calling thread.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class F>
auto for_each(Setup setup, F&& f) {
    return detail::make_item_stage<detail::item_stage_maker<detail::for_each_function>>(
        std::move(setup), std::forward<F>(f));
}
template <class F>
auto for_each(F&& f) {
    return for_each(Setup{}, std::forward<F>(f));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(for_each, detail::anything)

}  // namespace parallelpipe

#endif
