// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_RANGE_SOURCE_HPP
#define PARALLELPIPE_DETAIL_STAGE_RANGE_SOURCE_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/stage/delivery.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <concepts>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// An owned container whose elements can be read and copied by several runs at once.
template <class View, class Item>
inline constexpr bool can_share = false;
template <class Container, class Item>
inline constexpr bool can_share<std::ranges::owning_view<Container>, Item> = [] {
    if constexpr (std::ranges::forward_range<const Container>)
        return std::is_convertible_v<std::ranges::range_reference_t<const Container>, Item>;
    else
        return false;
}();

/// A view that each run can have a copy of.
template <class View, class Item>
inline constexpr bool can_copy = false;
template <class View, class Item>
    requires(std::copyable<View> && std::ranges::forward_range<View>)
inline constexpr bool can_copy<View, Item> =
    std::is_convertible_v<std::ranges::range_reference_t<View>, Item>;

/// The range on the left of the first stage, as a source.
/// Shape: a container that is owned is shared by all runs and its elements are copied; a view that can
///   be read again is copied for each run; anything else is read once and its elements are moved.
/// Errors: begin_run() throws `std::logic_error` for the second run of what can be read once.
template <class Item, std::ranges::view View>
class range_source final : public stage_code {
    static constexpr bool once = !can_share<View, Item> && !can_copy<View, Item>;

public:
    explicit range_source(View view) : stage_code(item_type_of<Item>), view_(std::move(view)) {}

    void begin_run() const override {
        if constexpr (once)
            if (used_.exchange(true, std::memory_order_relaxed))
                throw std::logic_error(
                    "parallelpipe: the range on the left of this pipeline can be read only once and "
                    "has been; make the pipeline again with a new range, or keep the items in a "
                    "container that can be copied from");
    }

    void run(item_reader_base*, output out) const override {
        if constexpr (can_share<View, Item>) {
            // Only referred to: the elements are somebody else's as well, and are copied.
            auto elements = std::ranges::ref_view(view_.base());
            detail::deliver<Item>([&]() -> auto& { return elements; }, nullptr, out);
        } else if constexpr (!once) {
            View own(view_);
            detail::deliver<Item>([&]() -> auto& { return own; }, nullptr, out);
        } else {
            detail::deliver<Item>([&]() -> auto& { return view_; }, nullptr, out);
        }
    }

    owning_ptr<nested_call> call(item_reader_base*) const override {
        if constexpr (can_share<View, Item>)
            return pull(std::ranges::ref_view(view_.base()));
        else if constexpr (!once)
            return pull(View(view_));
        else
            return pull(view_);
    }

private:
    /// An rvalue range is kept, an lvalue referred to.
    template <class Range>
    class pulled_call final : public nested_call {
    public:
        explicit pulled_call(Range&& range) : range_(std::forward<Range>(range)), pulled_(range_) {}
        bool next(void* to) override { return pulled_.next(to); }

    private:
        Range range_;
        pulled_range<std::remove_reference_t<Range>, Item> pulled_;
    };
    template <class Range>
    static owning_ptr<nested_call> pull(Range&& range) {
        return owning_ptr<nested_call>(new pulled_call<Range>(std::forward<Range>(range)));
    }

    mutable View view_;  // written only by the one run that begin_run() lets through
    mutable sync::atomic<bool> used_{false};
};

}  // namespace parallelpipe::detail

#endif
