// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_PREFETCHED_ITEMS_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_PREFETCHED_ITEMS_HPP

// What a reader has taken from a channel, as far as its siblings see it.
//
// A reader takes several items at once. If the one in its hand then takes long, an idle sibling may
// fetch those it has not begun. Beginning an item costs the reader no more than a store and a load:
//
//   reader, for each item                  thief, under the channel's lock, when there is nothing else
//   begun = this item + 1                  attention = true
//   [compiler barrier]                     every thread passes a barrier
//   if (attention) ask the channel         steal from [begun, last)
//
// By the argument of asymmetric_fence.hpp the thief sees that the item was begun, or the reader sees
// the attention before it touches the item, and then waits for the lock. Without asymmetric barriers
// nobody takes ahead and there is nothing to steal.
//
// | atomic    | written by                       | order                                              |
// |-----------|----------------------------------|----------------------------------------------------|
// | begun     | the reader                       | relaxed: the barrier orders it with attention      |
// | counted_  | the reader, once                 | relaxed: the meter was there before the reader     |
// | last      | the reader and thieves, under    | relaxed: the lock orders it; the reader also looks |
// |           | the channel's lock               | without, but only whether it is past the item      |
// | attention | set by thieves and by a stop,    | seq_cst with the channel's aborted_: who clears it |
// |           | cleared by the reader            | looks at aborted_ afterwards                       |
// | unwinds_  | set by who stops a guest (see    | relaxed: what wakes the reader orders it           |
// |           | stop_wakeup.hpp), else the reader |                                                    |

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// How others get a reader's attention before its next item.
class reader_state {
public:
    reader_state() = default;
    reader_state(const reader_state&) = delete;
    reader_state& operator=(const reader_state&) = delete;
    virtual ~reader_state() = default;

    /// How many items it has taken and not begun. For any thread, give or take what moves this moment, and what
    /// a reader without siblings has worked off since it last had to look up.
    virtual std::uint64_t ahead() const noexcept { return 0; }

    /// How often it has looked up because somebody wanted its attention; for any thread.
    std::uint64_t visits() const noexcept { return visits_.load(std::memory_order_relaxed); }
    /// The reader's. What got its attention from now on will get it again.
    void looks_up() noexcept {
        visits_.store(visits() + 1, std::memory_order_relaxed);
        attention.store(false, std::memory_order_seq_cst);
    }

    /// The reader's; null: nobody counts.
    worker_counters* own_counters() const noexcept { return own_counters_.load(std::memory_order_relaxed); }
    /// So many more were taken, or fewer.
    void count(std::ptrdiff_t items) noexcept {
        if (worker_counters* const who = own_counters())
            who->in.fetch_add(static_cast<std::uint64_t>(items), std::memory_order_relaxed);
    }
    void count_for(worker_counters* who) noexcept { own_counters_.store(who, std::memory_order_relaxed); }

    /// Whether each look for items brings nothing, as a guest who reads here is to stop.
    bool unwinds() const noexcept { return unwinds_.load(std::memory_order_relaxed); }
    void unwind(bool whether) noexcept { unwinds_.store(whether, std::memory_order_relaxed); }

    sync::atomic<bool> attention{false};

    // The channel's, under its locks: the next one of those that are told of a stop, and of those whose items
    // can be stolen.
    reader_state* next_told = nullptr;
    reader_state* next_shared = nullptr;

private:
    sync::atomic<worker_counters*> own_counters_{nullptr};
    sync::atomic<bool> unwinds_{false};
    sync::atomic<std::uint64_t> visits_{0};  // written by the reader; relaxed: a number
};

/// Readers linked by one of their members. Whoever has the list orders what is done with it.
template <reader_state* reader_state::* Next>
class reader_list {
public:
    void add(reader_state& reader) noexcept {
        reader_state** end = &first_;
        while (*end) end = &((*end)->*Next);
        *end = &reader;
    }
    void remove(reader_state& reader) noexcept {
        reader_state** at = &first_;
        while (*at && *at != &reader) at = &((*at)->*Next);
        if (*at) *at = std::exchange(reader.*Next, nullptr);
    }
    reader_state* first() const noexcept { return first_; }
    static reader_state* next(const reader_state& reader) noexcept { return reader.*Next; }

private:
    reader_state* first_ = nullptr;
};

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
