// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_FLAT_MAP_HPP
#define PARALLELPIPE_STAGES_FLAT_MAP_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

namespace detail {

/// The element that `it` stands on: copied from a range that the function returned by reference, else moved where the
/// range owns it.
template <class Result, class Out>
Out part_of(std::ranges::iterator_t<std::remove_reference_t<Result>>& it) {
    if constexpr (std::is_lvalue_reference_v<Result>)
        return static_cast<Out>(*it);
    else
        return static_cast<Out>(take_element<std::remove_reference_t<Result>>(it));
}

template <class F, class In>
class flat_map_function : public consuming_function<F, In> {
public:
    using consuming_function<F, In>::consuming_function;

    template <class... Arguments>
        requires consumes_item<F, In, Arguments...>
    auto operator()(Input<In> items, Arguments&... arguments) {
        using Result = decltype(this->hand_last(std::declval<In&>(), arguments...));
        constexpr bool is_range = std::ranges::input_range<Result>;
        static_assert(is_range, "parallelpipe: flat_map needs a range of results for each item, and "
                                "this callable returns something else; for one result per item write "
                                "map_stage(f)");
        if constexpr (is_range)
            return parts<Result, std::ranges::range_value_t<Result>>(std::move(items), arguments...);
    }

private:
    template <class Result, class Out, class... Arguments>
    generator<Out> parts(Input<In> items, Arguments&... arguments) {
        const item_policy<In> policy = this->worker_begins();
        if (!policy.is_active()) {
            for (In& item : items) {
                Result range = policy.once(
                    [&]() -> Result { return this->hand_last(item, arguments...); });
                auto it = policy.once([&] { return std::ranges::begin(range); });
                const auto end = std::ranges::end(range);
                while (policy.once([&] { return it != end; })) {
                    co_yield part_of<Result, Out>(it);
                    policy.once([&] { ++it; });
                }
            }
            co_return;
        }
        // A range may fail while it is read. It is read to its end before its first element leaves: no result of an
        // item that fails leaves the stage.
        const bool stays_whole = policy.keeps_whole();
        std::vector<Out> all;
        const auto read = [&all]<class Range>(Range&& range) {
            all.clear();
            const auto end = std::ranges::end(range);
            for (auto it = std::ranges::begin(range); it != end; ++it)
                all.push_back(part_of<Range, Out>(it));
        };
        for (In& item : items) {
            const auto make = [&] {
                if (stays_whole)
                    this->hand_whole([&](auto call) { read(call()); }, item, arguments...);
                else
                    read(this->hand_last(item, arguments...));
            };
            if (!policy.attempt(item, make)) continue;
            for (auto&& part : all) co_yield static_cast<Out>(std::move(part));
        }
    }
};
template <class F, class In>
inline constexpr const char* kind_of<flat_map_function<F, In>> = "flat_map";

/// The function of unbatch(): each item is the range of its results.
struct own_parts {
    // An rvalue is returned by value: it may be a copy of the item that lives until the call returns.
    template <std::ranges::input_range Range>
    Range operator()(Range&& item) const {
        return std::forward<Range>(item);
    }
};
template <class In>
inline constexpr const char* kind_of<flat_map_function<own_parts, In>> = "unbatch";

}  // namespace detail

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
