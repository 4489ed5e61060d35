// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_TESTING_TESTED_HPP
#define PARALLELPIPE_DETAIL_TESTING_TESTED_HPP

// What a test hands over, a stage function, a Stage, a Pipeline or what `stage(f)` makes, and how it is called
// without threads.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/runnable.hpp>
#include <parallelpipe/stage.hpp>

#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

template <class What>
constexpr bool is_source() {
    if constexpr (typed_operand<What>)
        return std::is_void_v<typename chain_of<What>::in>;
    else if constexpr (has_signature<What>)
        return std::is_void_v<
            typename first_parameter_input<typename signature<What>::parameters>::type>;
    else
        return false;
}

/// The item type that the function takes; `Element` for a generic function.
template <class F, class Element>
struct tested_input {
    using type = Element;
};
template <class F, class Element>
    requires has_signature<F>
struct tested_input<F, Element> : first_parameter_input<typename signature<F>::parameters> {
};

/// The Stage or the Pipeline that `what` is, or becomes with these arguments and items of type In.
template <class In, class What, class... Arguments>
auto completed(const What& what, Arguments&&... arguments) {
    if constexpr (typed_operand<What>) {
        static_assert(
            sizeof...(Arguments) == 0,
            "parallelpipe: this Stage or Pipeline has its arguments already; leave them out");
        return what;
    } else if constexpr (generic_operand<What> && sizeof...(Arguments) == 0) {
        return what.template on<In>();
    } else if constexpr (generic_operand<What>) {
        return detail::completed<In>(what(std::forward<Arguments>(arguments)...));
    } else {
        return detail::completed<In>(stage(what), std::forward<Arguments>(arguments)...);
    }
}

/// Calls a stage function as a worker does, in the calling thread.
template <class In, class F, class... Bound>
auto results_of_call(F& f, input_of_t<In> items, std::tuple<Bound...> bound) {
    using Result = stage_result_t<F, In, Bound...>;
    if constexpr (std::is_void_v<Result>) {
        detail::call_stage(f, items, bound);
    } else {
        using Out = output_item_t<Result>;
        static_assert(!detail::may_view<In, Out>(),
                      "parallelpipe: this stage function yields views of its items, which are destroyed before the test "
                      "reads the results; yield a std::string, or a Lasting<std::string_view> where the viewed memory "
                      "outlives the run");
        auto range = detail::call_stage(f, items, bound);
        std::vector<Out> all;
        const auto end = std::ranges::end(range);
        for (auto it = std::ranges::begin(range); it != end; ++it)
            all.push_back(static_cast<Out>(take_element<decltype(range)>(it)));
        return all;
    }
}

template <class In, class F, class... Arguments>
auto results_of_function(F& f, input_of_t<In> items, Arguments&&... arguments) {
    return [&]<class... Bound>(type_list<Bound...>) {
        return detail::results_of_call<In>(
            f, std::move(items), std::tuple<Bound...>(std::forward<Arguments>(arguments)...));
    }(typename kept_arguments<F, In, std::unwrap_ref_decay_t<Arguments>...>::type{});
}

template <class Out>
auto collected_inline(const Pipeline<void, Out>& pipeline) {
    if constexpr (std::is_void_v<Out>) {
        pipeline.execute(inline_run);
    } else {
        return pipeline.collect(inline_run);
    }
}

template <class What, class Range, class... Arguments>
auto results_of_reader(What& what, Range&& input, Arguments&&... arguments) {
    using Element = std::ranges::range_value_t<Range>;
    if constexpr (operand<What>) {
        return detail::collected_inline(
            std::forward<Range>(input) |
            detail::completed<Element>(what, std::forward<Arguments>(arguments)...));
    } else {
        using In = typename tested_input<What, Element>::type;
        return detail::results_of_function<In>(what, Input<In>(std::forward<Range>(input)),
                                               std::forward<Arguments>(arguments)...);
    }
}

}  // namespace parallelpipe::detail

#endif
