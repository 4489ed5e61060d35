// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_ORDERED_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_ORDERED_READER_HPP

// What an ordered stage and the readers of its workers ask and tell each other. Items are called by their numbers in
// the stage's input.

#include <parallelpipe/detail/base/config.hpp>

#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// Told by a reader which items its worker has come to. `end` is one past the last number that the worker has begun.
class item_listener {
public:
    virtual ~item_listener() = default;

    /// The worker begins `first`, and then the numbers after it, until the next call.
    /// Blocks: while `first` is too far ahead of what other workers do.
    /// Returns: false if the run was stopped meanwhile: the item is not needed. The worker has begun it all the same.
    /// Errors: `std::bad_alloc`; the worker has begun the item all the same.
    virtual bool begins(std::uint64_t first, std::uint64_t end) = 0;
    /// The same for an item that never came into the worker's hands: moving it there failed. Throws nothing.
    virtual void loses(std::uint64_t number, std::uint64_t end) = 0;
    /// The worker has to wait for its next item.
    virtual void pauses(std::uint64_t end) = 0;
    /// The worker has seen the end of the items.
    virtual void ends(std::uint64_t end) = 0;
};

/// A reader that knows the numbers of its items.
/// Threads: its worker's.
class ordered_reader {
public:
    ordered_reader() = default;
    ordered_reader(const ordered_reader&) = delete;
    ordered_reader& operator=(const ordered_reader&) = delete;

    /// From now on `listener` is told; null: none is. (Inlined, g++ 12 warns of a dangling pointer at -O2: it does
    /// not see that a listener takes itself back.)
    PARALLELPIPE_RARE void listen(item_listener* listener) noexcept { listener_ = listener; }

    /// Whether the item waits for this reader: because no other reader can take it, or because any can and this one
    /// is the nearest to it (`is_nearest`).
    virtual bool waits_for_this_reader(std::uint64_t number, bool is_nearest) = 0;

    /// Whether this reader, which has an item after that one in hand, may still get items before it.
    virtual bool may_get_items_before(std::uint64_t number) = 0;

protected:
    ~ordered_reader() = default;

    item_listener* listener_ = nullptr;
};

}  // namespace parallelpipe::detail

#endif
