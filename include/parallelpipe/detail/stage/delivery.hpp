// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_DELIVERY_HPP
#define PARALLELPIPE_DETAIL_STAGE_DELIVERY_HPP

// How the elements of the range that a stage function returns become results of type Out: pushed into the stage's
// queue or into a sink, or pulled one by one.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/channel/channel_producer.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/ordered/reorder_buffer.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/generator.hpp>

#include <concepts>
#include <memory>
#include <ranges>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class Out, class Element, class To>
PARALLELPIPE_INLINE bool push_one(Element&& element, To& to) {
    if constexpr (std::same_as<Element&&, Out&&>)
        return to.push(std::move(element));
    else
        return to.push(static_cast<Out>(std::forward<Element>(element)));
}

/// Pushes the elements of `range` into `to`, until the range ends or `to` wants no more.
template <class Out, class Range, class To>
PARALLELPIPE_INLINE void push_all(Range& range, To& to) {
    if constexpr (requires { range.push_all(to); }) {
        range.push_all(to);
    } else if constexpr (is_generator<Range>) {
        auto& coroutine = range.promise();
        for (auto* element = coroutine.first_or_next(); element; element = coroutine.make_next())
            if (!detail::push_one<Out>(std::move(*element), to)) return;
    } else {
        const auto end = std::ranges::end(range);
        for (auto it = std::ranges::begin(range); it != end; ++it)
            if (!detail::push_one<Out>(take_element<Range>(it), to)) return;
    }
}

/// Pushes the elements of the range that `make()` returns into the stage's queue. In an ordered stage the reorder
/// buffer listens to `in` before make() can take an item, and until the range has died.
template <class Out, class Make>
void deliver(Make make, item_reader_base* in, const output& out) {
    if (out.order) {
        typename reorder_buffer<Out>::output ordered(static_cast<reorder_buffer<Out>&>(*out.order),
                                                     out.worker, in, out.own_counters);
        auto&& from = make();
        detail::push_all<Out>(from, ordered);
    } else {
        channel_producer<Out> producer(static_cast<item_channel<Out>&>(*out.channel));
        producer.count_for(out.own_counters);
        typename channel_producer<Out>::session session(producer);
        auto&& from = make();
        detail::push_all<Out>(from, session);
    }
}

/// Pushes into an item_sink, and tells the sink's exceptions from those of the stage that pushes.
template <class Out>
class sink_output {
public:
    explicit sink_output(item_sink& to) noexcept : to_(to) {}

    bool push(Out&& result) {
        is_pushing_ = true;
        const bool wanted = to_.take(std::addressof(result));
        is_pushing_ = false;
        return wanted;
    }
    /// Whether push() was left by an exception.
    bool is_pushing() const noexcept { return is_pushing_; }

private:
    item_sink& to_;
    bool is_pushing_ = false;
};

/// A range whose elements are pulled, and its current position.
template <class Range, class Out>
class pulled_range {
public:
    explicit pulled_range(Range& range) : range_(range), at_(std::ranges::begin(range)) {}

    /// Makes the next result at `to`. Returns: false at the end.
    bool next(void* to) {
        if (!std::exchange(is_fresh_, false)) ++at_;
        if (at_ == std::ranges::end(range_)) return false;
        std::construct_at(static_cast<Out*>(to), static_cast<Out>(take_element<Range>(at_)));
        return true;
    }

private:
    Range& range_;
    std::ranges::iterator_t<Range> at_;
    bool is_fresh_ = true;
};
template <class T, class Out>
class pulled_range<generator<T>, Out> {
public:
    explicit pulled_range(generator<T>& range) noexcept : coroutine_(range.promise()) {}

    bool next(void* to) {
        T* const element = coroutine_.first_or_next();
        if (element)
            std::construct_at(static_cast<Out*>(to), static_cast<Out>(std::move(*element)));
        return element;
    }

private:
    typename generator<T>::promise_type& coroutine_;
};

}  // namespace parallelpipe::detail

#endif
