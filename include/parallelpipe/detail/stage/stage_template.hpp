// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STAGE_TEMPLATE_HPP
#define PARALLELPIPE_DETAIL_STAGE_STAGE_TEMPLATE_HPP

// What stage(f), map_stage(f) and all ready-made stages return: a Stage if its item types and its arguments are
// known, else a template that waits for its arguments or for the left side of operator|.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/settings.hpp>
#include <parallelpipe/fluent_settings.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

template <class In, class Out>
class Stage;

namespace detail {

/// The Maker of `stage(f)`: f is the stage function itself. A Maker has
///     per_item                     whether its stages are ItemStages
///     function<F, In>              the stage function that it makes of F for items of type In
///     input<F, Bound...>()         returns a type_list of that In, if F tells it
///     make<In>(setup, f, bound...) makes the Stage
struct function_maker {
    static constexpr bool per_item = false;

    template <class F, class In>
    using function = F;

    template <class In, class F, class... Bound>
    static auto make(const Setup& setup, const F& f, const Bound&... bound) {
        using Result = stage_result_t<F, In, std::unwrap_reference_t<Bound>...>;
        return Stage<In, output_item_t<Result>>(f, bound...).setup(setup);
    }

    template <class F, class... Bound>
        requires has_signature<F>
    static type_list<typename first_parameter_input<typename signature<F>::parameters>::type> input();

    /// Call it in a constant expression, so that its message comes before the errors that follow from it.
    template <class F>
        requires is_stateful<F>
    static constexpr bool check() {
        return refuse_state<F>();
    }
    template <class F>
        requires(has_signature<F> && !is_stateful<F>)
    static constexpr bool check() {
        using result = typename signature<F>::result;
        using in = typename first_parameter_input<typename signature<F>::parameters>::type;
        constexpr bool is_one =
            output_item<result>::valid && !(std::is_void_v<in> && std::is_void_v<result>);
        static_assert(is_one,
                      "parallelpipe: this is no stage function; write generator<Out> f(Input<In>, ...), Range "
                      "f(Input<In>, ...) by value, void f(Input<In>, ...), or generator<Out> f(...) for a source; to map "
                      "one item to one result write map_stage(f)");
        return is_one;
    }
    template <class F>
        requires(!has_signature<F> && !is_stateful<F>)
    static constexpr bool check() {
        return true;
    }
};

template <class>
struct only;
template <class T>
struct only<type_list<T>> {
    using type = T;
};

/// Whether the item type that F reads is known, given the bound arguments.
template <class Maker, class F, class... Bound>
concept input_known = requires { Maker::template input<F, Bound...>(); };

template <class Maker, class F, class... Bound>
using known_input_t = typename only<decltype(Maker::template input<F, Bound...>())>::type;

/// Whether the item type that F reads is known and F has all its arguments.
template <class Maker, class F, class... Bound>
concept complete =
    input_known<Maker, F, Bound...> &&
    callable_as_stage<typename Maker::template function<F, known_input_t<Maker, F, Bound...>>,
                      input_of_t<known_input_t<Maker, F, Bound...>>, std::unwrap_reference_t<Bound>...>;

template <class... P>
constexpr std::size_t count_of(type_list<P...>) {
    return sizeof...(P);
}
/// Whether F, which cannot be called with these arguments, takes more of them; true also if that is unknown.
template <class F, class... Bound>
inline constexpr bool takes_more = true;
template <class F, class... Bound>
    requires has_signature<F>
inline constexpr bool takes_more<F, Bound...> =
    detail::count_of(typename signature<F>::parameters{}) + signature<F>::is_member > sizeof...(Bound) + 1;

/// Whether F is known to read no items.
template <class Maker, class F, class... Bound>
inline constexpr bool is_known_source = false;
template <class Maker, class F, class... Bound>
    requires input_known<Maker, F, Bound...>
inline constexpr bool is_known_source<Maker, F, Bound...> = std::is_void_v<known_input_t<Maker, F, Bound...>>;

/// A stage whose items are not known. It stands on the right of operator|, which calls its member template `on<In>()`:
/// that makes the Stage or the Pipeline for items of type In.
struct generic_stage {
    template <class... How>
    auto results(const How&...) const {
        return refuse_to_run<How...>();
    }
    template <class... How>
    auto execute(const How&...) const {
        return refuse_to_run<How...>();
    }
    template <class... How>
    auto for_each(const How&...) const {
        return refuse_to_run<How...>();
    }
    template <template <class...> class Container = std::tuple, class... How>
    auto collect(const How&...) const {
        return refuse_to_run<How...>();
    }
    template <class Container, class... How>
    auto collect(const How&...) const {
        return refuse_to_run<How...>();
    }

private:
    template <class... How>
    static auto refuse_to_run() {
        static_assert(never<How...>,
                      "parallelpipe: this stage lacks its arguments, or a range on its left; write (range | "
                      "my_stage(7)).results()");
    }
};

struct not_set {};

/// The key and the dead-letter handler that were set before the items of the stage are known.
template <class Key = not_set, class Handler = not_set>
struct later_settings {
    static constexpr bool has_key = !std::same_as<Key, not_set>;
    static constexpr bool has_handler = !std::same_as<Handler, not_set>;

    Key key;
    Handler handler;

    template <class Made>
    void apply_to(Made& made) const {
        if constexpr (has_handler) made.dead_letter(handler);
        if constexpr (has_key) made.partition_by(key);
    }
};

template <class Maker, class F, class Later, class... Bound>
class stage_template;

/// A Stage if all is known, else a stage_template that waits for arguments or for its left side.
template <class Maker, class F, class... Bound, class Later = later_settings<>>
auto make_stage(Setup setup, F f, std::tuple<Bound...> bound, Later later = {}) {
    if constexpr (check_copyable<F, Bound...>::value) {
        constexpr bool is_complete = complete<Maker, F, Bound...>;
        if constexpr (is_complete && sizeof...(Bound) == 0 && std::same_as<Later, later_settings<>>) {
            return Maker::template make<known_input_t<Maker, F>>(setup, f);
        } else {
            stage_template<Maker, F, Later, Bound...> made(std::move(setup), std::move(f), std::move(later),
                                                          std::move(bound));
            if constexpr (is_complete)
                return made.template on<known_input_t<Maker, F, Bound...>>();
            else
                return made;
        }
    }
}

/// A stage function that still lacks something: arguments, or, if it is generic, the type of its items, which
/// operator| takes from the left side. A value, as a Stage is. An argument bound with std::ref stays a
/// std::reference_wrapper until the Stage is made.
template <class Maker, class F, class Later, class... Bound>
class PARALLELPIPE_RUN_IT stage_template : public generic_stage,
                                           private fluent_settings<stage_template<Maker, F, Later, Bound...>> {
public:
    stage_template(Setup settings, F f, Later later, std::tuple<Bound...> bound)
        : f_(std::move(f)), later_(std::move(later)), bound_(std::move(bound)) {
        set(std::move(settings));
    }

    /// The stage with these arguments. This one is unchanged.
    template <class... Arguments>
    auto operator()(Arguments&&... arguments) const {
        static_assert(sizeof...(Bound) == 0, "parallelpipe: the arguments of this stage are bound already; call the "
                                             "stage that stage(f) returned");
        using all = std::tuple<std::decay_t<Arguments>...>;
        constexpr bool enough = !input_known<Maker, F, std::decay_t<Arguments>...> ||
                                complete<Maker, F, std::decay_t<Arguments>...>;
        static_assert(enough, "parallelpipe: these arguments do not fit the parameters after the Input of the stage "
                              "function; pass one for each, in order");
        if constexpr (check_copyable<F, std::decay_t<Arguments>...>::value)
            return detail::make_stage<Maker>(setup_, f_, all(std::forward<Arguments>(arguments)...), later_);
    }

    using fluent_settings<stage_template>::setup;

    /// The stage with this key, as fluent_settings::partition_by. This one is unchanged.
    template <class Key>
    [[nodiscard]] auto partition_by(Key key) const {
        return with(later_settings<Key, decltype(Later::handler)>{std::move(key), later_.handler});
    }

    /// The stage with this handler, as fluent_settings::dead_letter. This one is unchanged.
    template <class Handler>
    [[nodiscard]] auto dead_letter(Handler handler) const {
        if constexpr (check_dead_letter<Handler, Maker::per_item>())
            return with(later_settings<decltype(Later::key), Handler>{later_.key, std::move(handler)});
    }

    /// The stage for items of type In.
    template <class In>
    auto on() const {
        using function = typename Maker::template function<F, In>;
        constexpr bool has_arguments =
            !input_known<Maker, F, Bound...> || complete<Maker, F, Bound...>;
        constexpr bool reads = std::is_void_v<In> || !is_known_source<Maker, F, Bound...>;
        static_assert(reads, "parallelpipe: the right side of | is a source: it takes no items; give its function an "
                             "Input<T> as first parameter, or write map_stage(f) or flat_map(f) to call it with each "
                             "item");
        static_assert(!reads || has_arguments || !takes_more<F, Bound...>,
                      "parallelpipe: this stage lacks arguments for the parameters after its Input; call it with them: "
                      "source | my_stage(7)");
        static_assert(!reads || has_arguments || takes_more<F, Bound...>,
                      "parallelpipe: this function does not fit its stage; take the item as the first parameter, and "
                      "return true or false for filter(f), a result for map_stage(f), a range for flat_map(f)");
        constexpr bool callable =
            callable_as_stage<function, input_of_t<In>, std::unwrap_reference_t<Bound>...>;
        static_assert(!reads || !has_arguments || callable,
                      "parallelpipe: the generic stage on the right of | cannot be called with the items on its left; "
                      "write a function that takes them, [](auto items) or [](auto item), or put a map_stage that "
                      "converts between them");
        if constexpr (reads && has_arguments && callable) {
            auto made = detail::spread(
                [&](const auto&... bound) {
                    return Maker::template make<In>(setup_, f_, bound...);
                },
                bound_);
            later_.apply_to(made);
            return made;
        }
    }

private:
    friend fluent_settings<stage_template>;
    void set(Setup changes) { apply(setup_, std::move(changes), Maker::per_item); }

    template <class Other>
    auto with(Other later) const {
        return stage_template<Maker, F, Other, Bound...>(setup_, f_, std::move(later), bound_);
    }

    Setup setup_;
    F f_;
    Later later_;
    std::tuple<Bound...> bound_;
};

}  // namespace detail

}  // namespace parallelpipe

#endif
