#ifndef PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP
#define PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP

// The only place that includes moodycamel: its header has three spellings in the wild.

#include <parallelpipe/detail/config.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

#if __has_include(<moodycamel/concurrentqueue.h>)
#include <moodycamel/concurrentqueue.h>  // upstream's installed package, vcpkg, Conan
#elif __has_include(<concurrentqueue.h>)
#include <concurrentqueue.h>  // the source tree itself; before Debian's, which may be there as well
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>  // Debian, Ubuntu, Fedora
#else
#error "parallelpipe needs moodycamel's concurrentqueue.h: install libconcurrentqueue-dev, or add github.com/cameron314/concurrentqueue to the include path"
#endif

namespace parallelpipe::detail {

/// Blocks of about 2 KiB: few allocations for small items, two items a block for huge ones.
template <class T>
struct queue_traits : moodycamel::ConcurrentQueueDefaultTraits {
    static constexpr std::size_t BLOCK_SIZE =
        std::bit_floor(std::clamp<std::size_t>(std::size_t{2048} / sizeof(T), 2, 256));
};

template <class T>
using concurrent_queue = moodycamel::ConcurrentQueue<T, queue_traits<T>>;

// moodycamel orders the reuse of a block by fences, which ThreadSanitizer does not see: for it each item
// tells, first thing when it comes into its slot and last thing when it leaves, which is before moodycamel
// marks the slot as empty. One address for all slots, because the consumer of another slot has looked at
// the same block index. That the move may throw makes moodycamel construct the item before it writes there.
#if PARALLELPIPE_TSAN
inline char all_slots;
class told_slot {
public:
    told_slot() noexcept { tsan_acquire(&all_slots); }
    told_slot(told_slot&&) noexcept : told_slot() {}
    ~told_slot() { tsan_release(&all_slots); }
};
// What enqueue() is given only refers to the item, so that the item is moved no more often than without.
template <class T>
class told_cell : told_slot {
public:
    told_cell(T&& from) noexcept : from_(std::addressof(from)) {}
    told_cell(told_cell&& other) noexcept(false)
        : told_slot(std::move(other)), item_(std::move(*other.from_)) {}
    ~told_cell() {
        if (!from_) std::destroy_at(std::addressof(item_));
    }
    T& item() noexcept { return item_; }

private:
    T* from_ = nullptr;
    union {
        T item_;
    };
};
template <class T>
using queue_cell = told_cell<T>;
template <class T>
T& in_cell(told_cell<T>& cell) noexcept {
    return cell.item();
}
#else
template <class T>
using queue_cell = T;
template <class T>
T& in_cell(T& cell) noexcept {
    return cell;
}
#endif

}  // namespace parallelpipe::detail

#endif
