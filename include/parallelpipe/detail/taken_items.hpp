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

#include <atomic>
#include <cstdint>

namespace parallelpipe::detail {

/// How others get a reader's attention before its next item.
class reader_base {
public:
    std::atomic<bool> attention{false};
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

}  // namespace parallelpipe::detail

#endif
