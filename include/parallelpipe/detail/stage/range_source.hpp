// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_RANGE_SOURCE_HPP
#define PARALLELPIPE_DETAIL_STAGE_RANGE_SOURCE_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/stage/delivery.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <concepts>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Whether View owns a container whose elements several runs can read and copy at once.
template <class View, class Item>
inline constexpr bool can_share = false;
template <class Container, class Item>
inline constexpr bool can_share<std::ranges::owning_view<Container>, Item> = [] {
    if constexpr (std::ranges::forward_range<const Container>)
        return std::is_convertible_v<std::ranges::range_reference_t<const Container>, Item>;
    else
        return false;
}();

/// Whether each run can have a copy of a View.
template <class View, class Item>
inline constexpr bool can_copy = false;
template <class View, class Item>
    requires(std::copyable<View> && std::ranges::forward_range<View>)
inline constexpr bool can_copy<View, Item> =
    std::is_convertible_v<std::ranges::range_reference_t<View>, Item>;

/// The range on the left of the first stage, as a source.
/// Shape: all runs share an owned container, and copy its elements. Each run copies a view that can be read again.
///   Anything else is read once, and its elements are moved.
/// Errors: begin_run() throws `std::logic_error` for the second run of a range that can be read once.
template <class Item, std::ranges::view View>
class range_source final : public stage_code {
    static constexpr bool once = !can_share<View, Item> && !can_copy<View, Item>;

public:
    explicit range_source(View view) : stage_code(item_type_of<Item>), view_(std::move(view)) {}

    void begin_run() const override {
        if constexpr (once)
            if (used_.exchange(true, std::memory_order_relaxed))
                throw std::logic_error(
                    "parallelpipe: the range on the left of this pipeline can be read only once, and an earlier run "
                    "has read it; make the pipeline again with a new range, or keep the items in a container whose "
                    "elements can be copied");
    }

    void run(item_reader_base*, output out) const override {
        if constexpr (can_share<View, Item>) {
            // A reference, so that the elements are copied: other runs read them, too.
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
    /// Keeps an rvalue range, refers to an lvalue.
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
    mutable sync::atomic<bool> used_{false};  // relaxed: the one run that finds it false needs nothing from others
};

/// A range as the first stage.
template <class Item, class Range>
stage_entry range_entry(Range&& range) {
    stage_entry entry;
    entry.code = detail::make_code<range_source<Item, std::views::all_t<Range>>>(
        std::views::all(std::forward<Range>(range)));
    entry.is_range = true;
    return entry;
}

}  // namespace parallelpipe::detail

#endif
