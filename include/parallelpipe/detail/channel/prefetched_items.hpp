// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_PREFETCHED_ITEMS_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_PREFETCHED_ITEMS_HPP

// What a reader has taken from a channel, as its siblings see it, and what was given back.
//
// A reader takes several items at once. If the one in its hand then takes long, an idle sibling may
// fetch those it has not begun. Beginning an item costs the reader no more than a store and a load:
//
//   reader, for each item                  thief, under the channel's lock, when there is nothing else
//   begun = this item + 1                  attention = true
//   [compiler barrier]                     every thread passes a barrier
//   if (attention) look up                 steal from [begun, last)
//
// By the argument of asymmetric_fence.hpp the thief sees that the item was begun, or the reader sees
// the attention before it touches the item, and then waits for the lock. Without asymmetric barriers
// no reader with siblings takes more than one item, so there is nothing to steal.
//
// | atomic | written by                      | order                                                      |
// |--------|---------------------------------|------------------------------------------------------------|
// | begun  | the reader                      | relaxed: the barrier orders it with attention              |
// | last   | the reader and thieves, under   | relaxed: the lock orders it; the reader also looks without |
// |        | the channel's lock              | the lock, but only whether it is past the item             |

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/reader_state.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class T>
class prefetched_items : public reader_state {
public:
    std::uint64_t ahead() const noexcept override {
        const T* const next = begun.load(std::memory_order_relaxed);
        const T* const end = last.load(std::memory_order_relaxed);
        return next && next < end ? static_cast<std::uint64_t>(end - next) : 0;
    }

    sync::atomic<T*> begun{nullptr};  // one past the last item that was begun
    sync::atomic<T*> last{nullptr};   // one past the last item that was taken

    // Written by the reader under the channel's lock, read by thieves under it.
    T* first = nullptr;              // the first item that was taken together with the last one
    std::uint64_t first_number = 0;  // its number in the stream
};

/// An item that was taken, not begun and given back, its type erased.
struct given_back_item {
    explicit given_back_item(std::uint64_t n) noexcept : number(n) {}
    virtual ~given_back_item() = default;

    const std::uint64_t number;
    owning_ptr<given_back_item> next;
};

/// Such items in the order of their numbers. Few: a bulk at most for each reader.
/// Threads: one at a time.
class given_back_items {
public:
    given_back_items() = default;
    given_back_items(const given_back_items&) = delete;
    given_back_items& operator=(const given_back_items&) = delete;
    ~given_back_items() {
        while (!is_empty()) take_first();
    }

    bool is_empty() const noexcept { return !first_; }
    std::uint64_t first_number() const noexcept { return first_->number; }

    bool contains(std::uint64_t number) const noexcept {
        const given_back_item* item = first_.get();
        while (item && item->number < number) item = item->next.get();
        return item && item->number == number;
    }

    void insert(owning_ptr<given_back_item> item) noexcept {
        owning_ptr<given_back_item>* place = &first_;
        while (*place && (*place)->number < item->number) place = &(*place)->next;
        item->next = std::move(*place);
        *place = std::move(item);
    }

    owning_ptr<given_back_item> take_first() noexcept {
        return std::exchange(first_, std::move(first_->next));
    }

private:
    owning_ptr<given_back_item> first_;
};

}  // namespace parallelpipe::detail

#endif
