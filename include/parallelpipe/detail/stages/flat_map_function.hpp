// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGES_FLAT_MAP_FUNCTION_HPP
#define PARALLELPIPE_DETAIL_STAGES_FLAT_MAP_FUNCTION_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

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

}  // namespace parallelpipe::detail

#endif
