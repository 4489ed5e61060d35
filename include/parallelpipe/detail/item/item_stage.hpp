// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_HPP
#define PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_HPP

// Stages that call a function once for each item: map_stage, filter, flat_map, for_each, tap. One item
// can fail alone, so they can skip it, try it again or hand it to somebody.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/item/item_function.hpp>
#include <parallelpipe/detail/item/item_policy.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

namespace detail {

/// What an ItemStage is made of, its function's type erased.
template <class In, class Out>
class item_stage_parts {
public:
    virtual ~item_stage_parts() = default;
    virtual Stage<In, Out> stage(dead_letter_handler<In> dead_letter) const = 0;
    /// Whether an item is still there after the function was called with it.
    virtual bool keeps_whole() const noexcept = 0;
};

}  // namespace detail

/// A stage that calls its function once for each item: what `map_stage`, `filter`, `flat_map`,
/// `for_each` and `tap` make.
/// Shape: a Stage<In, Out>, and can be kept as one; `on_error` may be OnError::skip, `retry` may be
///   set, and it can have a dead-letter handler. An item that failed is tried again as `retry` says;
///   after that the handler gets it if there is one, else it is dropped if `on_error` is
///   OnError::skip, else the exception leaves the stage. An item that is tried again or handed over
///   goes to the function as an lvalue, or as a copy if the function takes it by value.
template <class In, class Out>
class PARALLELPIPE_RUN_IT ItemStage : public Stage<In, Out> {
public:
    /// For the library.
    explicit ItemStage(std::shared_ptr<const detail::item_stage_parts<In, Out>> parts)
        : Stage<In, Out>(parts->stage({})), parts_(std::move(parts)) {
        this->entry_.per_item = true;
    }

    /// As Stage::setup.
    /// Errors: `std::invalid_argument` also for `retry` if the function takes an item by value that
    ///   cannot be copied.
    ItemStage& setup(Setup changes) & {
        if (changes.retry && changes.retry->times != 0)
            check_whole("retry", changes.name ? changes.name : this->entry_.setup.name);
        Stage<In, Out>::setup(std::move(changes));
        return *this;
    }
    ItemStage&& setup(Setup changes) && { return std::move(setup(std::move(changes))); }
    template <detail::misnamed Wrong = detail::misnamed_setup>
    detail::no_such_setting<Wrong> setup(Wrong) const;

    /// Items that fail for good go to `handler(std::exception_ptr, In& item)`, and the run goes on.
    /// Threads: the worker's own; each worker has a copy of the handler, as of the function.
    /// Errors: if the handler throws, the run stops with that. `std::invalid_argument` here if the
    ///   function takes an item by value that cannot be copied.
    template <class Handler>
    ItemStage& dead_letter(Handler handler) & {
        constexpr bool fits = std::invocable<Handler&, std::exception_ptr, In&>;
        constexpr bool copyable = std::copy_constructible<Handler>;
        static_assert(fits, "parallelpipe: a dead-letter handler is called with the error and the "
                            "item; write [](std::exception_ptr error, In& item) { ... }");
        static_assert(copyable,
                      "parallelpipe: every worker gets its own copy of the dead-letter handler, and "
                      "this one cannot be copied; capture a std::shared_ptr or a pointer instead");
        if constexpr (fits && copyable) {
            check_whole("dead_letter", this->entry_.setup.name);
            detail::dead_letter_handler<In> erased(std::move(handler));
            if (!erased)
                throw std::invalid_argument("parallelpipe: the dead-letter handler" +
                                            of_stage(this->entry_.setup.name) +
                                            " is empty: pass a function");
            this->entry_.code = parts_->stage(std::move(erased)).entry().code;
        }
        return *this;
    }
    template <class Handler>
    ItemStage&& dead_letter(Handler handler) && {
        return std::move(dead_letter(std::move(handler)));
    }

    /// As Stage::partition_by.
    template <class Key>
    ItemStage& partition_by(Key key) & {
        Stage<In, Out>::partition_by(std::move(key));
        return *this;
    }
    template <class Key>
    ItemStage&& partition_by(Key key) && {
        return std::move(partition_by(std::move(key)));
    }

    /// A stage whose function has no parameters left, called: a copy.
    ItemStage operator()() const { return *this; }

private:
    static std::string of_stage(const std::optional<std::string>& name) {
        return name ? " of stage \"" + *name + '"' : "";
    }

    void check_whole(const std::string& what, const std::optional<std::string>& name) const {
        if (!parts_->keeps_whole()) detail::throw_not_whole(what, of_stage(name));
    }

    std::shared_ptr<const detail::item_stage_parts<In, Out>> parts_;
};

namespace detail {

/// An ItemStage that says in its type what it runs, a function_stage: `fuse` can make one function of
/// several.
template <class In, class Out, class Code>
class PARALLELPIPE_RUN_IT kernel_stage final : public ItemStage<In, Out> {
public:
    using ItemStage<In, Out>::ItemStage;

    kernel_stage& setup(Setup changes) & {
        ItemStage<In, Out>::setup(std::move(changes));
        return *this;
    }
    kernel_stage&& setup(Setup changes) && { return std::move(setup(std::move(changes))); }
    template <misnamed Wrong = misnamed_setup>
    no_such_setting<Wrong> setup(Wrong) const;

    template <class Handler>
    kernel_stage& dead_letter(Handler handler) & {
        ItemStage<In, Out>::dead_letter(std::move(handler));
        return *this;
    }
    template <class Handler>
    kernel_stage&& dead_letter(Handler handler) && {
        return std::move(dead_letter(std::move(handler)));
    }

    template <class Key>
    kernel_stage& partition_by(Key key) & {
        ItemStage<In, Out>::partition_by(std::move(key));
        return *this;
    }
    template <class Key>
    kernel_stage&& partition_by(Key key) && {
        return std::move(partition_by(std::move(key)));
    }

    kernel_stage operator()() const { return *this; }
};

template <class In, class Out, class Code>
type_list<Code> kernels_of(const kernel_stage<In, Out, Code>&);

template <class F>
struct undelivered {
    using type = F;
    static const F& function(const F& f) { return f; }
};
template <class F, class Handler>
struct undelivered<with_dead_letter<F, Handler>> : undelivered<F> {
    static const auto& function(const with_dead_letter<F, Handler>& f) {
        return undelivered<F>::function(f.f);
    }
};
/// F without the handlers that were given to it.
template <class F>
using undelivered_t = typename undelivered<F>::type;

/// The item type that a parameter speaks of. Not one that only refers to what somebody else owns: the
/// item has to own it, so the left side of | says what it is.
template <class Parameter>
concept names_item = !std::ranges::enable_borrowed_range<std::remove_cvref_t<Parameter>>;

template <class Parameters>
struct first_item {};
template <class First, class... Rest>
    requires names_item<First>
struct first_item<type_list<First, Rest...>> {
    using type = std::remove_cvref_t<First>;
};

/// A per-item verb. `Function<F, In>` is its stage function, with
///     template <class... Arguments> static constexpr bool keeps_whole
template <template <class F, class In> class Function>
struct item_stage_maker {
    static constexpr bool per_item = true;

    template <class F, class In>
    using function = Function<undelivered_t<F>, In>;

    template <class F, class... Bound>
        requires requires { typename first_item<typename signature<undelivered_t<F>>::parameters>::type; }
    static type_list<typename first_item<typename signature<undelivered_t<F>>::parameters>::type> input();

    // A member function without parameters is called on the item itself.
    template <class F, class... Bound>
        requires(has_signature<undelivered_t<F>> && std::is_member_pointer_v<undelivered_t<F>> &&
                 std::same_as<typename signature<undelivered_t<F>>::parameters, type_list<>>)
    static type_list<typename signature<undelivered_t<F>>::object> input();

    template <class In, class F, class... Bound>
    static auto make(const Setup& setup, const F& f, const Bound&... bound) {
        return item_stage_maker::make_kept<In>(
            typename kept_behind_item<undelivered_t<F>, In, Bound...>::type{}, setup, f, bound...);
    }

private:
    template <class In, class... Bound, class F, class... Given>
    static auto make_kept(type_list<Bound...>, const Setup& setup, const F& f, const Given&... bound) {
        using function = Function<undelivered_t<F>, In>;
        using Result = stage_result_t<function, In, std::unwrap_reference_t<Bound>...>;
        using Out = output_item_t<Result>;
        using code = function_stage<In, Out, function, std::unwrap_reference_t<Bound>...>;
        using Made = std::conditional_t<has_kernel<Result>, kernel_stage<In, Out, code>, ItemStage<In, Out>>;
        const item_stage_parts<In, Out>* const made_parts =
            new parts<In, Out, undelivered_t<F>, Bound...>(undelivered<F>::function(f), bound...);
        Made made(std::shared_ptr<const item_stage_parts<In, Out>>{made_parts});
        made.setup(setup);
        if constexpr (!std::same_as<F, undelivered_t<F>>) made.dead_letter(f.handler);
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

        bool keeps_whole() const noexcept override {
            return Function<F, In>::template keeps_whole<std::unwrap_reference_t<Bound>...>;
        }

    private:
        const F f_;
        const std::tuple<Bound...> bound_;
    };
};

template <class Verb, class F>
auto make_item_stage(Setup setup, F&& f) {
    return detail::make_stage<Verb, std::decay_t<F>>(std::move(setup), std::forward<F>(f),
                                                     std::tuple<>());
}

}  // namespace detail

}  // namespace parallelpipe

#endif
