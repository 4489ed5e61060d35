// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_INPUT_HPP
#define PARALLELPIPE_INPUT_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/range_reader.hpp>
#include <parallelpipe/item.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

/// The items that one worker takes: the first parameter of a stage function.
/// Shape: a move-only, single-pass range; `*it` is a `T&` that belongs to the worker, which may move from it. `++`
///   destroys the item. `begin()` may be called again: it goes on after the last item that was dereferenced, so a
///   second loop continues the first. An iterator at the end stays there; after the end, `begin()` looks once more
///   whether a sibling that returned early has left items.
/// Threads: one worker's own.
/// Blocks: `*` and a comparison with `end()`, until the stages before yield an item or have all ended. When the run is
///   stopped, both unwind the stage function instead.
/// Errors: where it blocks, what moving the item throws. None of other stages: a loop that ends normally has seen all
///   that this worker will get.
template <class T>
class Input : public std::ranges::view_base {
    static_assert(can_be_item<T>,
                  "parallelpipe: Input<T> hands out values: T must be an object type that can be "
                  "moved, not a reference and not const; write Input<std::remove_cvref_t<T>>, and for what cannot be "
                  "moved Input<std::unique_ptr<T>>");

public:
    using value_type = T;
    class iterator;

    /// The items of any range, so that a stage function can be called without a pipeline:
    /// `add_n(Input<int>(std::vector{1, 2, 3}), 7)`. An lvalue is referred to and its elements are
    /// copied; an rvalue is owned and its elements are moved.
    // The first condition ends the recursion of the others.
    template <class Range>
        requires(!std::same_as<std::remove_cvref_t<Range>, Input> &&
                 std::ranges::viewable_range<Range> && std::ranges::input_range<Range> &&
                 std::convertible_to<detail::taken_element_t<std::views::all_t<Range>>, T>)
    explicit Input(Range&& range)
        : owned_(new detail::range_reader<T, std::views::all_t<Range>>(
              std::views::all(std::forward<Range>(range)))),
          source_(static_cast<detail::item_reader<T>*>(owned_.get())) {}

    /// For the library: reads from `source`, which outlives the Input.
    explicit Input(detail::item_reader<T>& source) noexcept : source_(&source) {}
    /// For the library: an Input that is not read.
    explicit Input(detail::no_items) noexcept : source_(nullptr) {}

    Input(Input&& other) noexcept = default;
    Input& operator=(Input&& other) noexcept = default;

    /// The first item that has not been dereferenced.
    /// Errors: `std::system_error`, where a worker of another run reads what stages in one thread make, and a thread for
    ///   that cannot be started.
    iterator begin() {
        source_->begin();
        return iterator(*source_);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// For the library.
    detail::item_reader<T>& source() const noexcept { return *source_; }

private:
    detail::owning_ptr<detail::item_reader_base> owned_;
    detail::item_reader<T>* source_;
};

/// A position in an Input, and in the results of a run. Comparing with `end()` and dereferencing make the next item
/// the worker's own; `++` only gives an item up.
/// Blocks and throws: as the range says.
template <class T>
class Input<T>::iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    /// For the library.
    explicit iterator(detail::item_reader<T>& source) noexcept : source_(&source) {}

    PARALLELPIPE_INLINE T& operator*() const { return source_->item(); }
    T* operator->() const { return std::addressof(source_->item()); }
    PARALLELPIPE_INLINE iterator& operator++() {
        source_->next();
        return *this;
    }
    void operator++(int) { source_->next(); }

    PARALLELPIPE_INLINE friend bool operator==(const iterator& it, std::default_sentinel_t) {
        return it.source_->at_end();
    }

private:
    detail::item_reader<T>* source_ = nullptr;
};

}  // namespace parallelpipe

#endif
