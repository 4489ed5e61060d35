// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_WAIT_HISTORY_HPP
#define PARALLELPIPE_DETAIL_WORKER_WAIT_HISTORY_HPP

// The last waits of a worker, for write_trace(). The worker adds each wait when it ends; any thread reads at any time.
//
// One thread writes, others read meanwhile, and none waits. The writer fills the slot of span number n and then
// stores the count n + 1. A reader loads the count c, copies the slots of the last spans before c, and loads the
// count again, c2. The writer may be filling the slot of number c2, which was the slot of number c2 - size. So the
// reader drops the spans up to number c2 - size.
//
// | atomic       | written by | read by | order                                                           |
// |--------------|------------|---------|-----------------------------------------------------------------|
// | count_       | the writer | readers | release / acquire: the spans before the count are whole         |
// | began, ended | the writer | readers | release / acquire: a reader that copies part of the span n from |
// |              |            |         | a slot sees a count c2 >= n in its second load, and drops the   |
// |              |            |         | span n - size, which it meant to copy                           |
//
// A worker has two rings, because a timed batch reads its items in a thread of its own: that thread may wait for
// input while the worker waits for room. Each ring has one writer at a time; a change of the writer synchronizes.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A wait. Nanoseconds of the steady clock.
struct span {
    std::int64_t began;
    std::int64_t ended;
};

class wait_ring {
public:
    explicit wait_ring(std::size_t size) : size_(size), slots_(size) {}

    /// Threads: the writer.
    void add(span what) noexcept {
        const std::uint64_t number = count_.load(std::memory_order_relaxed);
        slot& here = slots_[index(number)];
        here.began.store(what.began, std::memory_order_release);
        here.ended.store(what.ended, std::memory_order_release);
        count_.store(number + 1, std::memory_order_release);
    }

    /// The last spans, the oldest first. `is_whole`: there were no earlier ones.
    std::vector<span> read(bool& is_whole) const {
        const std::uint64_t end = count_.load(std::memory_order_acquire);
        const std::uint64_t begin = end - std::min<std::uint64_t>(end, size_);
        std::vector<span> spans;
        spans.reserve(integer_cast<std::size_t>(end - begin));
        for (std::uint64_t i = begin; i != end; ++i) {
            const slot& from = slots_[index(i)];
            spans.push_back({from.began.load(std::memory_order_acquire),
                             from.ended.load(std::memory_order_acquire)});
        }
        const std::uint64_t now = count_.load(std::memory_order_acquire);
        // The spans from number now - size + 1 on are whole; before the writer's second round all of them.
        const std::uint64_t whole = now < size_ ? 0 : now - size_ + 1;
        const std::uint64_t lost = std::min(std::max(whole, begin), end) - begin;
        spans.erase(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(lost));
        is_whole = begin + lost == 0;
        return spans;
    }

private:
    struct slot {
        sync::atomic<std::int64_t> began{0};
        sync::atomic<std::int64_t> ended{0};
    };

    std::size_t index(std::uint64_t number) const noexcept {
        return integer_cast<std::size_t>(number % size_);
    }

    const std::uint64_t size_;
    const owning_ptr<slot[]> slots_;
    sync::atomic<std::uint64_t> count_{0};
};

/// A worker's waits.
struct wait_history {
    explicit wait_history(std::size_t of_each) : for_input(of_each), for_room(of_each) {}

    wait_ring for_input;
    wait_ring for_room;
};

}  // namespace parallelpipe::detail

#endif
