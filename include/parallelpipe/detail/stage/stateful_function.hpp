// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STATEFUL_FUNCTION_HPP
#define PARALLELPIPE_DETAIL_STAGE_STATEFUL_FUNCTION_HPP

// with_state(make, f): a function whose first argument is a state of the worker that calls it.
//
// It is no callable: only the stages that know it call it, after they have made its state. So it cannot be a stage
// function, a key or a handler, which nothing would make a state for.

#include <parallelpipe/detail/base/callable_traits.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// One State, or none yet. A copy has none: each worker makes its own.
template <class State>
class worker_state {
public:
    worker_state() noexcept {}
    worker_state(const worker_state&) noexcept {}
    worker_state& operator=(const worker_state&) = delete;
    ~worker_state() { reset(); }

    /// The state is what make() returns, not moved.
    template <class Make>
    void make_by(Make& make) {
        reset();
        ::new (static_cast<void*>(std::addressof(state_))) State(std::invoke(make));
        has_state_ = true;
    }
    State& get() noexcept { return state_; }

private:
    void reset() noexcept {
        if (std::exchange(has_state_, false)) std::destroy_at(std::addressof(state_));
    }

    union {
        State state_;
    };
    bool has_state_ = false;
};

template <class Make, class F>
class stateful_function {
public:
    using state = std::remove_cv_t<std::invoke_result_t<Make&>>;

    stateful_function(Make make, F f) : make_(std::move(make)), f_(std::move(f)) {}

    /// In the worker, before its first item.
    void make_state() { state_.make_by(make_); }

    /// f(state, arguments...), after make_state().
    template <class... Arguments>
        requires std::invocable<F&, state&, Arguments...>
    decltype(auto) call(Arguments&&... arguments) {
        return std::invoke(f_, state_.get(), std::forward<Arguments>(arguments)...);
    }

private:
    Make make_;
    F f_;
    worker_state<state> state_;  // last: it may refer to what make_ holds
};

template <class>
inline constexpr bool is_stateful = false;
template <class Make, class F>
inline constexpr bool is_stateful<stateful_function<Make, F>> = true;

/// In a worker, before its first item: makes the state that F wants.
template <class F>
void make_state_of([[maybe_unused]] F& f) {
    if constexpr (is_stateful<F>) f.make_state();
}

/// std::invoke, also for a stateful_function.
struct call_function {
    template <class F, class... Arguments>
        requires std::invocable<F&, Arguments...>
    decltype(auto) operator()(F& f, Arguments&&... arguments) const {
        return std::invoke(f, std::forward<Arguments>(arguments)...);
    }
    template <class Make, class F, class... Arguments>
        requires std::invocable<F&, typename stateful_function<Make, F>::state&, Arguments...>
    decltype(auto) operator()(stateful_function<Make, F>& f, Arguments&&... arguments) const {
        return f.call(std::forward<Arguments>(arguments)...);
    }
};

// ---- its parameters: those of F after the state ---------------------------------------------------

template <class Result, class Parameters, bool is_method>
struct stateful_signature : undeducible {};
template <class Result, class State, class... Parameters>
struct stateful_signature<Result, type_list<State, Parameters...>, false> : known_signature<Result, Parameters...> {};
template <class Result, class... Parameters>
struct stateful_signature<Result, type_list<Parameters...>, true> : known_signature<Result, Parameters...> {};

template <class Make, class F>
    requires has_signature<F>
struct signature<stateful_function<Make, F>>
    : stateful_signature<typename signature<F>::result, typename signature<F>::parameters,
                         std::is_member_pointer_v<F>> {};

template <class In, class Parameters>
struct after_state {
    using type = void;
};
/// Not where `In` stands for another parameter than the item's.
template <class In, class State, class Item, class... Parameters>
    requires std::same_as<std::remove_cvref_t<Item>, In>
struct after_state<In, type_list<State, Item, Parameters...>> {
    using type = type_list<Item, Parameters...>;
};

template <class F, class State, class In>
concept has_generic_state = requires {
    typename signature_of_pointer<decltype(&F::template operator()<State, In>)>::parameters;
};

/// Of a lambda in which the item alone is generic, or the state and the item.
template <class F, class State, class In>
struct generic_after_state : after_state<In, typename generic_parameters<F, In>::type> {};
template <class F, class State, class In>
    requires has_generic_state<F, State, In>
struct generic_after_state<F, State, In>
    : after_state<In, typename signature_of_pointer<decltype(&F::template operator()<State, In>)>::parameters> {};
template <class F, class State, class In>
struct generic_after_state<std::reference_wrapper<F>, State, In> : generic_after_state<F, State, In> {};

template <class Make, class F, class In>
struct generic_parameters<stateful_function<Make, F>, In>
    : generic_after_state<F, typename stateful_function<Make, F>::state, In> {};

// ---- what with_state refuses -----------------------------------------------------------------------

template <class Make>
concept makes_state = std::invocable<Make&> && std::is_object_v<std::invoke_result_t<Make&>>;

/// Whether F may take a State& first; true also if its parameters are unknown.
template <class State, class F>
struct takes_state : std::true_type {};
template <class State, class F>
    requires(has_signature<F> && !std::is_member_pointer_v<F>)
struct takes_state<State, F> : takes_state<State, typename signature<F>::parameters> {};
template <class State>
struct takes_state<State, type_list<>> : std::false_type {};
template <class State, class First, class... Rest>
struct takes_state<State, type_list<First, Rest...>> : std::is_convertible<State&, First> {};
template <class State, class R, class Class>
struct takes_state<State, R Class::*> : std::is_base_of<Class, State> {};

template <class Make, class F>
constexpr bool check_state() {
    static_assert(makes_state<Make>,
                  "parallelpipe: the first function of with_state makes the state of a worker: it takes nothing and "
                  "returns the state by value; write with_state([] { return Client(port); }, [](Client& client, const "
                  "Item& item) { ... })");
    if constexpr (makes_state<Make>) {
        constexpr bool takes = takes_state<std::remove_cv_t<std::invoke_result_t<Make&>>, F>::value;
        static_assert(takes, "parallelpipe: the second function of with_state takes the state first, and then the item; "
                             "write [](Client& client, const Item& item) { ... }, where Client is what the first function "
                             "returns");
        return takes;
    } else {
        return false;
    }
}

}  // namespace parallelpipe::detail

#endif
