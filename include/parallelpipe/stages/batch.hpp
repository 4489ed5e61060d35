// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGES_BATCH_HPP
#define PARALLELPIPE_STAGES_BATCH_HPP

#include <parallelpipe/detail/stages/timed_batch.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/this_worker.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

namespace detail {

struct batch_function {
    static constexpr bool keeps_items = true;

    std::size_t size;

    template <class In>
    generator<std::vector<In>> operator()(Input<In> items) const {
        std::vector<In> batch;
        for (In& item : items) {
            batch.push_back(std::move(item));
            if (batch.size() < size) continue;
            co_yield std::move(batch);
            batch = std::vector<In>();
            batch.reserve(size);  // not for the first one: `size` may be huge
        }
        if (!batch.empty()) co_yield std::move(batch);
    }
};
template <>
inline constexpr const char* kind_of<batch_function> = "batch";

struct timed_batch_function {
    static constexpr bool keeps_items = true;

    std::size_t size;
    std::chrono::nanoseconds max_wait;

    template <class In>
    generator<std::vector<In>> operator()(Input<In> items) const {
        // The items of a batch lie between items that siblings took: it has no place in the order.
        if (current_worker && current_worker->setup && current_worker->setup->ordered.value_or(false))
            check_one_worker("an ordered batch(size, max_wait)");
        timed_batch<In> batches(items, size, max_wait);
        for (;;) {
            std::vector<In> batch = batches.next();
            if (batch.empty()) co_return;
            co_yield std::move(batch);
        }
    }
};
template <>
inline constexpr const char* kind_of<timed_batch_function> = "batch";

inline void check_batch(std::size_t size) {
    if (size == 0)
        throw std::invalid_argument("parallelpipe: a batch of 0 items is never full; write batch(n) with n of at "
                                    "least 1");
}

}  // namespace detail

/// Makes a stage that collects `size` items into one `std::vector`.
/// Shape: one vector for `size` items, in the order in which the worker took them, and at the end one with the rest;
///   never an empty one. Each worker collects its own items.
/// Errors: `std::invalid_argument` for a size of 0.
template <class... Later>
auto batch(Setup setup, std::size_t size) {
    detail::check_batch(size);
    return detail::make_stage<detail::function_maker, detail::batch_function, Later...>(
        std::move(setup), detail::batch_function{size}, std::tuple<>());
}
template <class... Later>
auto batch(std::size_t size) {
    return batch<Later...>(Setup{}, size);
}

/// The same, but no item waits longer than `max_wait` for the rest of its batch.
/// Shape: a vector leaves when it is full, `max_wait` after its first item came in, or at the end.
/// Errors: `std::invalid_argument` for a size of 0; in the run also for an ordered stage with several workers.
/// Cost: one more thread for each worker, which reads the items, and a lock for each item.
template <class... Later>
auto batch(Setup setup, std::size_t size, std::chrono::nanoseconds max_wait) {
    detail::check_batch(size);
    return detail::make_stage<detail::function_maker, detail::timed_batch_function, Later...>(
        std::move(setup), detail::timed_batch_function{size, max_wait}, std::tuple<>());
}
template <class... Later>
auto batch(std::size_t size, std::chrono::nanoseconds max_wait) {
    return batch<Later...>(Setup{}, size, max_wait);
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(batch, std::size_t)
PARALLELPIPE_REFUSE_WRONG_SETTINGS(batch, std::size_t, std::chrono::nanoseconds)

}  // namespace parallelpipe

#endif
