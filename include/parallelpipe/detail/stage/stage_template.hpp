// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STAGE_TEMPLATE_HPP
#define PARALLELPIPE_DETAIL_STAGE_STAGE_TEMPLATE_HPP

// What stage(f) and the other verbs return: a Stage where all is known, else something that waits for its
// arguments or for the left side of operator|.

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

/// `stage(f)`: f is the stage function itself.
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

    /// To be asked in a constant expression: so its error comes before those that follow from it.
    template <class F>
    static constexpr bool check() {
        using result = typename signature<F>::result;
        using in = typename first_parameter_input<typename signature<F>::parameters>::type;
        constexpr bool is_one =
            output_item<result>::valid && !(std::is_void_v<in> && std::is_void_v<result>);
        static_assert(is_one,
                      "parallelpipe: this is no stage function: it must be generator<Out> "
                      "f(Input<In>, ...), Range f(Input<In>, ...) by value, void f(Input<In>, ...), or "
                      "generator<Out> f(...) for a source; to map one item to one result write "
                      "map_stage(f)");
        return is_one;
    }
    template <class F>
        requires(!has_signature<F>)
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

/// Whether the verb can tell the item type that F reads, given the bound arguments.
template <class Verb, class F, class... Bound>
concept input_known = requires { Verb::template input<F, Bound...>(); };

template <class Verb, class F, class... Bound>
using known_input_t = typename only<decltype(Verb::template input<F, Bound...>())>::type;

/// Whether F with these arguments can run at once on what it is known to read.
template <class Verb, class F, class... Bound>
concept complete =
    input_known<Verb, F, Bound...> &&
    callable_as_stage<typename Verb::template function<F, known_input_t<Verb, F, Bound...>>,
                      input_of_t<known_input_t<Verb, F, Bound...>>, std::unwrap_reference_t<Bound>...>;

template <class... P>
constexpr std::size_t count_of(type_list<P...>) {
    return sizeof...(P);
}
/// Whether F, which does not run with these arguments, would take more of them; if that is not known, too.
template <class F, class... Bound>
inline constexpr bool takes_more = true;
template <class F, class... Bound>
    requires has_signature<F>
inline constexpr bool takes_more<F, Bound...> =
    detail::count_of(typename signature<F>::parameters{}) + signature<F>::is_member > sizeof...(Bound) + 1;

/// Whether F is known to read no items.
template <class Verb, class F, class... Bound>
inline constexpr bool is_known_source = false;
template <class Verb, class F, class... Bound>
    requires input_known<Verb, F, Bound...>
inline constexpr bool is_known_source<Verb, F, Bound...> = std::is_void_v<known_input_t<Verb, F, Bound...>>;

/// What operator| takes on its right without knowing the items: it has a member template
/// `on<In>()`, which makes the Stage or the Pipeline for items of type In.
struct generic_stage {
    template <class... Settings>
    auto results(const Settings&...) const {
        return refuse_to_run<Settings...>();
    }
    template <class... Settings>
    auto execute(const Settings&...) const {
        return refuse_to_run<Settings...>();
    }
    template <class... Settings>
    auto for_each(const Settings&...) const {
        return refuse_to_run<Settings...>();
    }
    template <template <class...> class Container, class... Settings>
    auto collect(const Settings&...) const {
        return refuse_to_run<Settings...>();
    }
    template <class... Settings>
    auto collect(const Settings&...) const {
        return refuse_to_run<Settings...>();
    }

private:
    template <class... Settings>
    static auto refuse_to_run() {
        static_assert(never<Settings...>,
                      "parallelpipe: this stage still lacks its arguments, or the items that it is to read; call "
                      "it with its arguments and put a range in front: (range | my_stage(7)).results()");
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

template <class Verb, class F, class Later, class... Bound>
class stage_template;

/// A Stage if all is known, else a stage_template that waits for arguments or for its left side.
template <class Verb, class F, class... Bound, class Later = later_settings<>>
auto make_stage(Setup setup, F f, std::tuple<Bound...> bound, Later later = {}) {
    if constexpr (check_copyable<F, Bound...>::value) {
        constexpr bool is_complete = complete<Verb, F, Bound...>;
        if constexpr (is_complete && sizeof...(Bound) == 0 && std::same_as<Later, later_settings<>>) {
            return Verb::template make<known_input_t<Verb, F>>(setup, f);
        } else {
            stage_template<Verb, F, Later, Bound...> made(std::move(setup), std::move(f), std::move(later),
                                                          std::move(bound));
            if constexpr (is_complete)
                return made.template on<known_input_t<Verb, F, Bound...>>();
            else
                return made;
        }
    }
}

/// A stage function that still lacks something: arguments, or, if it is generic, the type of its items, which
/// operator| takes from the left side. A value, as a Stage is. An argument bound with std::ref stays a
/// std::reference_wrapper until the Stage is made.
template <class Verb, class F, class Later, class... Bound>
class PARALLELPIPE_RUN_IT stage_template : public generic_stage,
                                           private fluent_settings<stage_template<Verb, F, Later, Bound...>> {
public:
    stage_template(Setup settings, F f, Later later, std::tuple<Bound...> bound)
        : f_(std::move(f)), later_(std::move(later)), bound_(std::move(bound)) {
        set(std::move(settings));
    }

    /// The stage with these arguments. This one is unchanged.
    template <class... Arguments>
    auto operator()(Arguments&&... arguments) const {
        static_assert(sizeof...(Bound) == 0, "parallelpipe: the arguments of this stage are bound "
                                             "already; call the stage that stage(f) returned");
        using all = std::tuple<std::decay_t<Arguments>...>;
        constexpr bool enough = !input_known<Verb, F, std::decay_t<Arguments>...> ||
                                complete<Verb, F, std::decay_t<Arguments>...>;
        static_assert(enough, "parallelpipe: these arguments do not fit the parameters behind the "
                              "Input of the stage function; pass one for each, in order");
        if constexpr (check_copyable<F, std::decay_t<Arguments>...>::value)
            return detail::make_stage<Verb>(setup_, f_, all(std::forward<Arguments>(arguments)...), later_);
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
        if constexpr (check_dead_letter<Handler, Verb::per_item>())
            return with(later_settings<decltype(Later::key), Handler>{later_.key, std::move(handler)});
    }

    /// The stage for items of type In.
    template <class In>
    auto on() const {
        using function = typename Verb::template function<F, In>;
        constexpr bool has_arguments =
            !input_known<Verb, F, Bound...> || complete<Verb, F, Bound...>;
        constexpr bool reads = std::is_void_v<In> || !is_known_source<Verb, F, Bound...>;
        static_assert(reads, "parallelpipe: the right side of | is a source: it takes no items; give its function an "
                             "Input<T> as first parameter, or, if that is to be called with each item, write "
                             "map_stage(f) or flat_map(f)");
        static_assert(!reads || has_arguments || !takes_more<F, Bound...>,
                      "parallelpipe: this stage lacks arguments for the parameters behind its Input; "
                      "call it with them: source | my_stage(7)");
        static_assert(!reads || has_arguments || takes_more<F, Bound...>,
                      "parallelpipe: this function is not what its verb calls: filter(f) wants a result that "
                      "is true or false, map_stage(f) a result, flat_map(f) a range, and each the item as the "
                      "first parameter");
        constexpr bool callable =
            callable_as_stage<function, input_of_t<In>, std::unwrap_reference_t<Bound>...>;
        static_assert(!reads || !has_arguments || callable,
                      "parallelpipe: the generic stage on the right of | cannot be called with the items on its left; "
                      "let its function take what stands there, [](auto items) or [](auto item), or put a map_stage "
                      "that converts between them");
        if constexpr (reads && has_arguments && callable) {
            auto made = detail::spread(
                [&](const auto&... bound) {
                    return Verb::template make<In>(setup_, f_, bound...);
                },
                bound_);
            later_.apply_to(made);
            return made;
        }
    }

private:
    friend fluent_settings<stage_template>;
    void set(Setup changes) { apply(setup_, std::move(changes), Verb::per_item); }

    template <class Other>
    auto with(Other later) const {
        return stage_template<Verb, F, Other, Bound...>(setup_, f_, std::move(later), bound_);
    }

    Setup setup_;
    F f_;
    Later later_;
    std::tuple<Bound...> bound_;
};

}  // namespace detail

}  // namespace parallelpipe

#endif
