// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGES_REDUCE_FUNCTION_HPP
#define PARALLELPIPE_DETAIL_STAGES_REDUCE_FUNCTION_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class Op, class T, class In>
concept folds = requires(Op& op, T sum, In item) {
    { call_function{}(op, std::move(sum), std::move(item)) } -> std::convertible_to<T>;
};
template <class Op, class T, class In>
concept folds_lvalue = requires(Op& op, T sum, In& item) {
    { call_function{}(op, std::move(sum), item) } -> std::convertible_to<T>;
};

/// sum = op(sum, item), with the item as an rvalue if op takes one. `sum` is not empty before; it is empty after the
/// move of a T that cannot be assigned has thrown.
template <class Op, class T, class In>
void fold(Op& op, std::optional<T>& sum, In& item) {
    const auto next = [&]() -> T {
        if constexpr (folds<Op, T, In>)
            return call_function{}(op, std::move(*sum), std::move(item));
        else
            return call_function{}(op, std::move(*sum), item);
    };
    if constexpr (std::is_move_assignable_v<T>) {
        *sum = next();
    } else {
        T made = next();
        sum.emplace(std::move(made));
    }
}

template <class Op, class T, class In>
constexpr bool check_op() {
    constexpr bool fits = folds<Op, T, In> || folds_lvalue<Op, T, In>;
    static_assert(fits, "parallelpipe: the op of reduce is called as sum = op(sum, item) with the items on the left "
                        "of |, where sum has the type of init, and this one cannot be; write reduce(0L, [](long sum, "
                        "const Item& item) { return sum + item.size; })");
    return fits;
}
template <class T, class Combine>
constexpr bool check_combine() {
    constexpr bool fits = folds<Combine, T, T> || folds_lvalue<Combine, T, T>;
    static_assert(fits, "parallelpipe: the last function of reduce merges two sums, which have the type of init: "
                        "combine(a, b), and this one cannot; write reduce(0L, op, [](long a, long b) { return a + b; "
                        "})");
    return fits;
}

/// All items, to one result.
template <class T, class Op>
class reduce_function {
public:
    static constexpr bool keeps_items = true;

    reduce_function(T init, Op op) : init_(std::move(init)), op_(std::move(op)) {}

    template <class In>
    auto operator()(Input<In> items) {
        if constexpr (check_op<Op, T, In>()) return sum_of(std::move(items));
    }

private:
    template <class In>
    generator<T> sum_of(Input<In> items) {
        check_one_worker("reduce(init, op) without a function that combines two results");
        detail::make_state_of(op_);
        std::optional<T> sum(std::move(init_));
        for (In& item : items) detail::fold(op_, sum, item);
        co_yield *std::move(sum);
    }

    T init_;
    Op op_;
};
template <class T, class Op>
inline constexpr const char* kind_of<reduce_function<T, Op>> = "reduce";

/// One worker's items; no result if the worker took none.
template <class T, class Op>
struct partial_reduce_function {
    T init;
    Op op;

    template <class In>
    generator<T> operator()(Input<In> items) {
        detail::make_state_of(op);
        std::optional<T> sum(std::move(init));
        bool any = false;
        for (In& item : items) {
            detail::fold(op, sum, item);
            any = true;
        }
        if (any) co_yield *std::move(sum);
    }
};
template <class T, class Op>
inline constexpr const char* kind_of<partial_reduce_function<T, Op>> = "reduce";

/// The results of all workers; `init` if there are none.
template <class T, class Combine>
struct combine_function {
    T init;
    Combine combine;

    generator<T> operator()(Input<T> parts) {
        detail::make_state_of(combine);
        std::optional<T> sum;
        for (T& part : parts) {
            if (sum)
                detail::fold(combine, sum, part);
            else
                sum.emplace(std::move(part));
        }
        if (sum)
            co_yield *std::move(sum);
        else
            co_yield std::move(init);
    }
};
template <class T, class Combine>
inline constexpr const char* kind_of<combine_function<T, Combine>> = "combine";

/// `reduce(init, op, combine)`: two stages, made when the item type is known.
template <class T, class Op, class Combine>
class PARALLELPIPE_RUN_IT parallel_reduce : public generic_stage,
                                            private fluent_settings<parallel_reduce<T, Op, Combine>> {
public:
    parallel_reduce(Setup settings, T init, Op op, Combine combine)
        : init_(std::move(init)), op_(std::move(op)), combine_(std::move(combine)) {
        set(std::move(settings));
    }

    using fluent_settings<parallel_reduce>::setup;

    template <class In>
    auto on() const {
        if constexpr (check_op<Op, T, In>() && check_combine<T, Combine>()) {
            Stage<In, T> partial(partial_reduce_function<T, Op>{init_, op_});
            Stage<T, T> total(combine_function<T, Combine>{init_, combine_});
            partial.setup(setup_);
            if (setup_.name) total.setup({.name = *setup_.name + "_combine"});
            return std::move(partial) | std::move(total);
        }
    }

private:
    friend fluent_settings<parallel_reduce>;
    void set(Setup changes) { apply(setup_, std::move(changes)); }

    Setup setup_;
    T init_;
    Op op_;
    Combine combine_;
};

}  // namespace parallelpipe::detail

#endif
