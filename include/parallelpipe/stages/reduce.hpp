// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_REDUCE_HPP
#define PARALLELPIPE_STAGES_REDUCE_HPP

#include <parallelpipe/detail/stages/reduce_function.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <functional>
#include <tuple>
#include <utility>

namespace parallelpipe::inline v0 {

/// Makes a stage that folds all items into one result: `sum = op(sum, item)`, beginning with `init`.
/// Shape: one result, at the end; `init` if there was no item. The result has the type of `init`. One worker.
/// Errors: `std::invalid_argument` for several workers.
template <class T, class Op>
auto reduce(Setup setup, T init, Op op) {
    return detail::make_stage<detail::function_maker>(
        detail::one_worker("reduce(init, op) without a function that combines two results",
                           std::move(setup)),
        detail::reduce_function<T, Op>(std::move(init), std::move(op)), std::tuple<>());
}
template <class T, class Op>
    requires(!std::same_as<T, Setup>)
auto reduce(T init, Op op) {
    return reduce(Setup{}, std::move(init), std::move(op));
}

/// The same with several workers, a parallel reduction: each worker folds the items that it takes, beginning with
/// `init`; then one more stage merges the results of the workers with `combine(a, b)`.
/// Shape: one result, at the end; `init` if there was no item. The order in which items are folded and results are
///   merged is not fixed, so `op` and `combine` must not depend on it. Each worker that took an item begins with
///   `init`, so `init` must not change a sum (0 for `+`). The stage that merges is called `combine_K` by its position,
///   or by the name of the first: `sum_combine`.
/// Errors: `std::invalid_argument` for a setting that no stage can have.
template <class T, class Op, class Combine>
auto reduce(Setup setup, T init, Op op, Combine combine) {
    return detail::parallel_reduce<T, Op, Combine>(std::move(setup), std::move(init), std::move(op),
                                                   std::move(combine));
}
template <class T, class Op, class Combine>
    requires(!std::same_as<T, Setup>)
auto reduce(T init, Op op, Combine combine) {
    return reduce(Setup{}, std::move(init), std::move(op), std::move(combine));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(reduce, detail::anything, detail::anything)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(reduce, detail::anything, detail::anything, detail::anything)

}  // namespace parallelpipe

#endif
