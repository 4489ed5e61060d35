#ifndef PARALLELPIPE_DETAIL_TAKEN_ITEMS_HPP
#define PARALLELPIPE_DETAIL_TAKEN_ITEMS_HPP

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
// By the argument of asymmetric_barrier.hpp the thief sees that the item was begun, or the reader sees
// the attention before it touches the item, and then waits for the lock. Without asymmetric barriers
// nobody takes ahead and there is nothing to steal.
//
// | atomic    | written by                       | order                                              |
// |-----------|----------------------------------|----------------------------------------------------|
// | begun     | the reader                       | relaxed: the barrier orders it with attention      |
// | last      | the reader and thieves, under    | relaxed: the lock orders it; the reader also looks |
// |           | the channel's lock               | without, but only whether it is past the item      |
// | attention | set by thieves and by a stop,    | seq_cst with the channel's aborted_: who clears it |
// |           | cleared by the reader            | looks at aborted_ afterwards                       |

#include <parallelpipe/detail/meter.hpp>
#include <parallelpipe/detail/owned.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace parallelpipe::detail {

/// How others get a reader's attention before its next item.
class reader_base {
public:
    std::atomic<bool> attention{false};
    meter* counted = nullptr;  // the reader's; null: nobody counts

    // The channel's, under its locks: the next one of those that are told of a stop, and of those whose items
    // can be stolen.
    reader_base* next_told = nullptr;
    reader_base* next_shared = nullptr;
};

/// Readers linked by one of their members. Whoever has the list orders what is done with it.
template <reader_base* reader_base::* Next>
class reader_list {
public:
    void add(reader_base& reader) noexcept {
        reader_base** end = &first_;
        while (*end) end = &((*end)->*Next);
        *end = &reader;
    }
    void remove(reader_base& reader) noexcept {
        reader_base** at = &first_;
        while (*at && *at != &reader) at = &((*at)->*Next);
        if (*at) *at = std::exchange(reader.*Next, nullptr);
    }
    reader_base* first() const noexcept { return first_; }
    static reader_base* next(const reader_base& reader) noexcept { return reader.*Next; }

private:
    reader_base* first_ = nullptr;
};

template <class T>
class taken_items : public reader_base {
public:
    std::atomic<T*> begun{nullptr};  // one past the last item that was begun
    std::atomic<T*> last{nullptr};   // one past the last item that was taken

    // Written by the reader under the channel's lock, read by thieves under it.
    T* first = nullptr;              // the first item that was taken together with the last one
    std::uint64_t first_number = 0;  // its number in the stream
};

/// An item that was taken, not begun and given back, its type erased.
struct given_back_item {
    explicit given_back_item(std::uint64_t n) noexcept : number(n) {}
    virtual ~given_back_item() = default;

    const std::uint64_t number;
    owned<given_back_item> next;
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

    void insert(owned<given_back_item> item) noexcept {
        owned<given_back_item>* place = &first_;
        while (*place && (*place)->number < item->number) place = &(*place)->next;
        item->next = std::move(*place);
        *place = std::move(item);
    }

    owned<given_back_item> take_first() noexcept {
        return std::exchange(first_, std::move(first_->next));
    }

private:
    owned<given_back_item> first_;
};

}  // namespace parallelpipe::detail

#endif
