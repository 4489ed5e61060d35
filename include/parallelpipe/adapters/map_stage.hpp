#ifndef PARALLELPIPE_ADAPTERS_MAP_STAGE_HPP
#define PARALLELPIPE_ADAPTERS_MAP_STAGE_HPP

#include <parallelpipe/concepts.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <functional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// f(item, arguments...); for a member function of an object (object.*f)(item, ...), for one of the
/// item itself item.f(). The item goes in as an rvalue if f takes it so, else as an lvalue.
template <class F, class Item, class... Arguments>
concept maps = std::invocable<F&, Item, Arguments&...>;
template <class F, class Item, class Object, class... Arguments>
concept maps_by_method =
    std::is_member_pointer_v<F> && std::invocable<F&, Object&, Item, Arguments&...>;

struct call_item {
    template <class F, class Item, class... Arguments>
        requires maps<F, Item, Arguments...>
    decltype(auto) operator()(F& f, Item&& item, Arguments&... arguments) const {
        return std::invoke(f, std::forward<Item>(item), arguments...);
    }
    template <class F, class Item, class Object, class... Arguments>
        requires maps_by_method<F, Item, Object, Arguments...>
    decltype(auto) operator()(F& f, Item&& item, Object& object, Arguments&... arguments) const {
        return std::invoke(f, object, std::forward<Item>(item), arguments...);
    }
};

/// The stage function that applies F to each item.
template <class F>
class map_function {
public:
    explicit map_function(F f) : f_(std::move(f)) {}

    template <class In, class... Arguments>
        requires(std::invocable<call_item, F&, In, Arguments&...> ||
                 std::invocable<call_item, F&, In&, Arguments&...>)
    auto operator()(Input<In> items, Arguments&... arguments) {
        return std::move(items) |
               std::views::transform([&f = f_, bound = std::tie(arguments...)](In& item) {
                   return apply(f, item, bound);
               });
    }

private:
    template <class In, class Bound>
    static auto apply(F& f, In& item, const Bound& bound) {
        return std::apply(
            [&](auto&... arguments) {
                constexpr bool by_rvalue =
                    std::invocable<call_item, F&, In, decltype(arguments)...>;
                using As = std::conditional_t<by_rvalue, In&&, In&>;
                using Result = decltype(call_item{}(f, static_cast<As>(item), arguments...));
                static_assert(!std::is_void_v<Result>,
                              "parallelpipe: map_stage needs one result per item and this callable "
                              "returns void; write a sink: stage([](Input<T> items) { ... })");
                return static_cast<std::remove_cvref_t<Result>>(
                    call_item{}(f, static_cast<As>(item), arguments...));
            },
            bound);
    }

    F f_;
};

/// `map_stage(f)`: f maps one item to one result.
struct map_verb {
    template <class F>
    using function = map_function<F>;

    template <class>
    struct first;
    template <class First, class... Rest>
    struct first<type_list<First, Rest...>> {
        using type = std::remove_cvref_t<First>;
    };

    template <class F, class... Bound>
        requires(has_signature<F> && requires { typename first<typename signature<F>::parameters>::type; })
    static type_list<typename first<typename signature<F>::parameters>::type> input();

    // A member function without parameters is called on the item itself.
    template <class F, class... Bound>
        requires(has_signature<F> && std::is_member_pointer_v<F> &&
                 std::same_as<typename signature<F>::parameters, type_list<>>)
    static type_list<typename signature<F>::object> input();
};

}  // namespace detail

/// Makes a stage that maps each item to one result: `map_stage({.workers = 4}, f)`.
/// Shape: one result per item, `f(item, arguments...)`; a reference result is copied. Parameters
///   behind the item are bound by a call: `map_stage(f)(7)`. A generic `f` gets its item type from
///   the left of `|`.
/// Errors: `std::invalid_argument` for a setting that no stage can have.
template <class F>
auto map_stage(Setup setup, F&& f) {
    return detail::make_stage<detail::map_verb, std::decay_t<F>>(std::move(setup), std::forward<F>(f),
                                                                 std::tuple<>());
}
template <class F>
auto map_stage(F&& f) {
    return map_stage(Setup{}, std::forward<F>(f));
}

}  // namespace parallelpipe

#endif
