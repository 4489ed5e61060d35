// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_COMPOSE_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_COMPOSE_HPP

// What operator| does: checks its operands, and makes one pipeline of their stages.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/input/channel_reader.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_reader.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/range_source.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/stage/stage_template.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

template <class From, class To>
owning_ptr<item_reader_base> connect(channel_base& from, std::size_t readers) {
    return owning_ptr<item_reader_base>(new channel_reader<From, To>(static_cast<item_channel<From>&>(from), readers));
}

template <class From, class To>
owning_ptr<item_reader_base> convert(item_reader_base& from) {
    return owning_ptr<item_reader_base>(new converting_reader<From, To>(static_cast<item_reader<From>&>(from)));
}

/// A Pipeline whose type tells the code of its stages: `fuse` can make one function of them.
template <class In, class Out, class... Codes>
class PARALLELPIPE_RUN_IT kernel_pipeline final : public Pipeline<In, Out> {
public:
    using Pipeline<In, Out>::Pipeline;

    // May assign stages of other types: fuse checks the types when it is called.
    kernel_pipeline& operator=(const Pipeline<In, Out>& other) {
        Pipeline<In, Out>::operator=(other);
        return *this;
    }
};

template <class In, class Out, class... Codes>
type_list<Codes...> kernels_of(const kernel_pipeline<In, Out, Codes...>&);
template <class T>
concept has_kernels = requires(const T& operand) { kernels_of(operand); };

template <class In, class Out, class... Codes, class... More>
kernel_pipeline<In, Out, Codes..., More...> kernels_in_a_row(type_list<Codes...>, type_list<More...>);

/// The type of `Left | Right` where no item is converted between them.
template <class In, class Out, class Left, class Right>
struct composed_pipeline {
    using type = Pipeline<In, Out>;
};
template <class In, class Out, has_kernels Left, has_kernels Right>
struct composed_pipeline<In, Out, Left, Right> {
    using type = decltype(detail::kernels_in_a_row<In, Out>(kernels_of(std::declval<const Left&>()),
                                                  kernels_of(std::declval<const Right&>())));
};

/// A To is a view of the memory of a From, which is destroyed before the view is used: `std::string` to
/// `std::string_view`, a vector to a span.
template <class From, class To>
concept leaves_dangling = may_view<From, To>();

template <class Left, class Right>
auto compose_chains(const Left& left, const Right& right) {
    using from = typename chain_of<Left>::out;
    using to = typename chain_of<Right>::in;
    constexpr bool left_yields = !std::is_void_v<from>;
    constexpr bool right_reads = !std::is_void_v<to>;
    constexpr bool fits = std::is_convertible_v<from, to>;
    static_assert(left_yields, "parallelpipe: the left side of | is a sink, which has no results; put it last");
    static_assert(right_reads, "parallelpipe: the right side of | is a source: it takes no items; put "
                               "it first, or give its function an Input<T> as first parameter");
    static_assert(!left_yields || !right_reads || fits,
                  "parallelpipe: what the left side of | yields does not convert to what the right "
                  "side takes; change one of the types, or put a map_stage that converts between them");
    constexpr bool lasts = !leaves_dangling<from, to>;
    static_assert(lasts, "parallelpipe: the items on the left of | own their memory, and the right side takes views of "
                         "them, which would outlive that memory; take the owner: Input<std::string>, not "
                         "Input<std::string_view>");
    if constexpr (left_yields && right_reads && fits && lasts) {
        std::vector<stage_entry> stages = left.stages();
        std::vector<stage_entry> more = right.stages();
        more.front().connect = &detail::connect<from, to>;
        constexpr bool converts = !std::same_as<from, to>;
        if constexpr (converts) more.front().convert = &detail::convert<from, to>;
        // One by one: insert() takes longer to compile than the rest of this function.
        for (stage_entry& stage : more) stages.push_back(std::move(stage));
        using in = typename chain_of<Left>::in;
        using out = typename chain_of<Right>::out;
        using made = std::conditional_t<converts, composed_pipeline<in, out, void, void>,
                                        composed_pipeline<in, out, Left, Right>>;
        return typename made::type(std::move(stages));
    }
}

template <class Item, class Range>
Pipeline<void, Item> source_of(Range&& range) {
    return Pipeline<void, Item>(std::vector{detail::range_entry<Item>(std::forward<Range>(range))});
}

template <class Range, class Right>
auto compose_range(Range&& range, const Right& right) {
    using to = typename chain_of<Right>::in;
    using element = taken_element_t<std::views::all_t<Range>>;
    constexpr bool right_reads = !std::is_void_v<to>;
    static_assert(right_reads, "parallelpipe: the right side of | is a source: it takes no items; put "
                               "it first, or give its function an Input<T> as first parameter");
    if constexpr (right_reads) {
        constexpr bool fits = std::is_convertible_v<element, to>;
        constexpr bool cannot_copy =
            !fits && std::is_lvalue_reference_v<element> &&
            std::same_as<std::remove_cvref_t<element>, to>;
        static_assert(!cannot_copy,
                      "parallelpipe: the elements of this range cannot be copied into the pipeline; "
                      "hand over the container itself: std::move(range) | stage");
        static_assert(fits || cannot_copy,
                      "parallelpipe: the elements of the range on the left of | do not convert to what "
                      "the stage takes; change one of the types, or put a std::views::transform or a "
                      "map_stage that converts between them");
        // The elements of a container outlive the read; elements that the range makes one by one do not.
        constexpr bool stays = std::is_lvalue_reference_v<element> && std::ranges::forward_range<Range>;
        constexpr bool lasts = stays || !leaves_dangling<std::remove_cvref_t<element>, to>;
        static_assert(lasts, "parallelpipe: the elements of the range on the left of | own their memory, and the "
                             "stage takes views of them, which would outlive that memory; take the owner: "
                             "Input<std::string>, not Input<std::string_view>");
        if constexpr (fits && lasts)
            return detail::compose_chains(source_of<to>(std::forward<Range>(range)), right);
    }
}

template <class Left, class Right>
auto compose(Left&& left, Right&& right) {
    if constexpr (!operand<Right>) {
        static_assert(operand<Right>,
                      "parallelpipe: the right side of | is not a stage; wrap the function: left | "
                      "stage(f), or left | map_stage(f) for one result per item; apply a view to the "
                      "results: (left).results() | view");
    } else if constexpr (generic_operand<Left>) {
        static_assert(!generic_operand<Left>,
                      "parallelpipe: the stage on the left of | lacks its arguments, or is generic and nothing on "
                      "its left tells its item type; call it with its arguments, put a range in front, or name "
                      "its types: Stage<int, std::vector<int>>(batch(10))");
    } else if constexpr (typed_operand<Left>) {
        if constexpr (typed_operand<Right>)
            return detail::compose_chains(left, right);
        else if constexpr (std::is_void_v<typename chain_of<Left>::out>)
            static_assert(!std::is_void_v<typename chain_of<Left>::out>,
                          "parallelpipe: the left side of | is a sink, which has no results; put it last");
        else if constexpr (!std::is_void_v<
                               decltype(right.template on<typename chain_of<Left>::out>())>)
            return detail::compose_chains(left, right.template on<typename chain_of<Left>::out>());
    } else if constexpr (std::ranges::input_range<Left> && std::ranges::viewable_range<Left>) {
        if constexpr (typed_operand<Right>)
            return detail::compose_range(std::forward<Left>(left), right);
        else if constexpr (!std::is_void_v<
                               decltype(right.template on<std::ranges::range_value_t<Left>>())>)
            return detail::compose_range(std::forward<Left>(left),
                                      right.template on<std::ranges::range_value_t<Left>>());
    } else if constexpr (std::ranges::input_range<Left>) {
        static_assert(std::ranges::viewable_range<Left>,
                      "parallelpipe: the range on the left of | is an lvalue that can only be moved; write "
                      "std::move(range) | stage");
    } else {
        static_assert(operand<Left>,
                      "parallelpipe: the left side of | is neither a range nor a stage; put a range, a "
                      "source or a pipeline there");
    }
}

}  // namespace parallelpipe::detail

#endif
