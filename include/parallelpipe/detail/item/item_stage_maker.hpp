// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_MAKER_HPP
#define PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_MAKER_HPP

// Makes the stages that call a function once for each item: map_stage, filter, flat_map, for_each, tap.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/item/item_function.hpp>
#include <parallelpipe/detail/item/item_policy.hpp>
#include <parallelpipe/detail/item/item_stage_parts.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/fluent_settings.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class In, class Out>
class ItemStage;

namespace detail {

/// An ItemStage whose type tells its code, a function_stage: `fuse` can make one function of several.
template <class In, class Out, class Code>
class PARALLELPIPE_RUN_IT kernel_stage final : public ItemStage<In, Out>,
                                               public fluent_settings<kernel_stage<In, Out, Code>> {
public:
    using ItemStage<In, Out>::ItemStage;

    using fluent_settings<kernel_stage>::setup;
    using fluent_settings<kernel_stage>::partition_by;
    using fluent_settings<kernel_stage>::dead_letter;

    /// A copy, as ItemStage::operator().
    kernel_stage operator()() const { return *this; }

private:
    friend fluent_settings<kernel_stage>;
};

template <class In, class Out, class Code>
type_list<Code> kernels_of(const kernel_stage<In, Out, Code>&);

/// Whether the parameter tells the item type. A view, such as a std::string_view, does not: the item has to own its
/// memory, so the left side of | tells its type.
template <class Parameter>
concept names_item = !std::ranges::enable_borrowed_range<std::remove_cvref_t<Parameter>>;

template <class Parameters>
struct first_item {};
template <class First, class... Rest>
    requires names_item<First>
struct first_item<type_list<First, Rest...>> {
    using type = std::remove_cvref_t<First>;
};

/// The Maker, see make_stage, of an ItemStage. `Function<F, In>` is the stage function, with
///     template <class... Arguments> static constexpr bool keeps_whole
template <template <class F, class In> class Function>
struct item_stage_maker {
    static constexpr bool per_item = true;

    template <class F, class In>
    using function = Function<F, In>;

    template <class F, class... Bound>
        requires requires { typename first_item<typename signature<F>::parameters>::type; }
    static type_list<typename first_item<typename signature<F>::parameters>::type> input();

    // A member function without parameters is called on the item itself.
    template <class F, class... Bound>
        requires(has_signature<F> && std::is_member_pointer_v<F> &&
                 std::same_as<typename signature<F>::parameters, type_list<>>)
    static type_list<typename signature<F>::object> input();

    template <class In, class F, class... Bound>
    static auto make(const Setup& setup, const F& f, const Bound&... bound) {
        return item_stage_maker::make_kept<In>(
            typename kept_after_item<F, In, Bound...>::type{}, setup, f, bound...);
    }

private:
    template <class In, class... Bound, class F, class... Given>
    static auto make_kept(type_list<Bound...>, const Setup& setup, const F& f, const Given&... bound) {
        using function = Function<F, In>;
        using Result = stage_result_t<function, In, std::unwrap_reference_t<Bound>...>;
        using Out = output_item_t<Result>;
        using code = function_stage<In, Out, function, std::unwrap_reference_t<Bound>...>;
        using Made = std::conditional_t<has_kernel<Result>, kernel_stage<In, Out, code>, ItemStage<In, Out>>;
        const item_stage_parts<In, Out>* const made_parts =
            new parts<In, Out, F, Bound...>(f, bound...);
        Made made(std::shared_ptr<const item_stage_parts<In, Out>>{made_parts});
        made.setup(setup);
        return made;
    }

    template <class In, class Out, class F, class... Bound>
    class parts final : public item_stage_parts<In, Out> {
    public:
        template <class... Given>
        explicit parts(const F& f, const Given&... bound) : f_(f), bound_(bound...) {}

        Stage<In, Out> stage(dead_letter_handler<In> dead_letter) const override {
            return detail::spread(
                [&](const auto&... bound) {
                    return Stage<In, Out>(Function<F, In>(f_, std::move(dead_letter)), bound...);
                },
                bound_);
        }

    private:
        bool keeps_whole() const noexcept override {
            return Function<F, In>::template keeps_whole<std::unwrap_reference_t<Bound>...>;
        }

        const F f_;
        const std::tuple<Bound...> bound_;
    };
};

template <class Maker, class F>
auto make_item_stage(Setup setup, F&& f) {
    return detail::make_stage<Maker, std::decay_t<F>>(std::move(setup), std::forward<F>(f), std::tuple<>());
}

}  // namespace detail

}  // namespace parallelpipe

#endif
