// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGES_MAP_FUNCTION_HPP
#define PARALLELPIPE_DETAIL_STAGES_MAP_FUNCTION_HPP

#include <parallelpipe/input.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// One result for each item: `once(item)` may use it up, `again(item)` leaves it whole for another attempt.
template <class In, class Out, class Once, class Again>
class map_kernel : public item_kernel<In, map_kernel<In, Out, Once, Again>> {
public:
    map_kernel(item_policy<In> policy, Once once, Again again)
        : item_kernel<In, map_kernel>(policy), once_(std::move(once)), again_(std::move(again)) {}

    template <class Emit>
    PARALLELPIPE_INLINE bool plainly(In& item, const Emit& emit) const {
        return emit(this->policy_.once([&] { return once_(item); }));
    }
    PARALLELPIPE_RARE std::optional<Out> attempt(In& item) const {
        std::optional<Out> result;
        const auto make = [&] {
            if (this->policy_.keeps_whole())
                result.emplace(again_(item));
            else
                result.emplace(once_(item));
        };
        this->policy_.attempt(item, make);
        return result;
    }
    template <class Emit>
    PARALLELPIPE_INLINE static bool emit_attempted(In&, std::optional<Out>&& result,
                                                   const Emit& emit) {
        return emit(*std::move(result));
    }

private:
    Once once_;
    Again again_;
};

/// The stage function that applies F to each item.
template <class F, class In>
class map_function : public consuming_function<F, In> {
public:
    using consuming_function<F, In>::consuming_function;

    template <class... Arguments>
        requires consumes_item<F, In, Arguments...>
    auto operator()(Input<In> items, Arguments&... arguments) {
        using Result = decltype(this->hand_last(std::declval<In&>(), arguments...));
        static_assert(!std::is_void_v<Result>,
                      "parallelpipe: map_stage needs one result per item and this callable returns "
                      "void; write a sink: for_each(f), or tap(f) to look at items that go on");
        if constexpr (!std::is_void_v<Result>) {
            using Out = std::remove_cvref_t<Result>;
            const auto once = [this, bound = std::tie(arguments...)](In& item) -> Out {
                return detail::spread(
                    [&](auto&... a) { return static_cast<Out>(this->hand_last(item, a...)); }, bound);
            };
            const auto again = [this, bound = std::tie(arguments...)](In& item) -> Out {
                return detail::spread(
                    [&](auto&... a) -> Out {
                        const auto made_by = [](auto call) -> Out { return static_cast<Out>(call()); };
                        return this->hand_whole(made_by, item, a...);
                    },
                    bound);
            };
            using kernel = map_kernel<In, Out, decltype(once), decltype(again)>;
            return kernel_range<In, Out, kernel>(std::move(items), kernel(this->worker_begins(), once, again));
        }
    }
};

}  // namespace parallelpipe::detail

#endif
