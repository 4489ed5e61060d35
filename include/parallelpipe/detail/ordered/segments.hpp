// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_SEGMENTS_HPP
#define PARALLELPIPE_DETAIL_ORDERED_SEGMENTS_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/yielding_mutex.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

// Every result belongs to a number: what a worker yields before its first item to the worker's, what it
// yields at an item to the item's after these, what it yields after the end of the items to the highest ones.
inline constexpr std::uint64_t item_numbers = std::uint64_t{1} << 32;
inline constexpr std::uint64_t last_numbers = std::uint64_t{1} << 62;

/// Consecutive numbers that one worker works off, and the results that are parked for them; sequencer.hpp says how,
/// and under which lock each member is.
struct alignas(cache_line) segment {
    segment() = default;
    segment(const segment&) = delete;
    segment& operator=(const segment&) = delete;
    virtual ~segment() = default;

    std::uint64_t first = 0;
    std::uint64_t end = 0;  // once complete: one past its last number
    bool complete = false;
    bool had_parked = false;  // written by its worker, under parking
    sync::atomic<bool> front{false};
    yielding_mutex parking;       // of what is parked; taken after mutex_, where both are held
    std::ptrdiff_t overfill = 0;  // under parking: how many of the parked results hold no slot
    segment* previous = nullptr;
    segment* next = nullptr;
    segment* next_made = nullptr;  // for the end

    bool is_items() const noexcept { return first >= item_numbers && first < last_numbers; }
};

/// Segments by their first numbers: the open ones, and complete ones after an open one. Owns these and the unused ones.
/// Threads: one at a time.
class segment_list {
public:
    segment_list() = default;
    segment_list(const segment_list&) = delete;
    segment_list& operator=(const segment_list&) = delete;
    ~segment_list() {
        while (made_) delete std::exchange(made_, made_->next_made);
    }

    segment* first() const noexcept { return first_; }

    /// Takes over a new segment, which is not in the list yet.
    segment& own(owning_ptr<segment> made) noexcept {
        made->next_made = std::exchange(made_, made.get());
        return *made.release();
    }
    /// One that was removed; null if there is none.
    segment* take_unused() noexcept {
        return unused_ ? std::exchange(unused_, unused_->next) : nullptr;
    }

    segment* insert(segment& at, std::uint64_t first) noexcept {
        at.first = first;
        at.complete = at.had_parked = false;
        at.front.store(false, std::memory_order_relaxed);
        // New numbers are nearly always the highest.
        segment* before = last_;
        while (before && before->first > first) before = before->previous;
        at.previous = before;
        at.next = before ? before->next : first_;
        (at.next ? at.next->previous : last_) = &at;
        (before ? before->next : first_) = &at;
        return &at;
    }

    void remove(segment& gone) noexcept {
        (gone.next ? gone.next->previous : last_) = gone.previous;
        (gone.previous ? gone.previous->next : first_) = gone.next;
        gone.next = std::exchange(unused_, &gone);
    }

    /// `at` is complete: joins it with its neighbours where these are complete, too, where one begins at the end of the
    /// other, and where the later one has had no results.
    void join_neighbours(segment& at) noexcept {
        join(&at, at.next);
        join(at.previous, &at);
    }

private:
    void join(segment* at, segment* next) noexcept {
        if (!at || !next || !at->complete || !next->complete) return;
        if (next->had_parked || next->first != at->end) return;
        at->end = std::max(at->end, next->end);
        remove(*next);
    }

    segment* first_ = nullptr;
    segment* last_ = nullptr;
    segment* unused_ = nullptr;  // linked by next
    segment* made_ = nullptr;    // all there are, linked by next_made
};

/// Which segment each worker of a stage is in.
/// Threads: one at a time, under the lock of the order; at() also the worker itself.
class worker_segments {
public:
    worker_segments(const worker_segments&) = delete;
    worker_segments& operator=(const worker_segments&) = delete;
    virtual ~worker_segments() = default;

protected:
    explicit worker_segments(std::size_t workers) : workers_(workers), takers_(workers) {}

    /// A new segment, with nothing parked. Errors: `std::bad_alloc`.
    virtual owning_ptr<segment> make_segment() = 0;

    /// `worker` yields what comes before its first item. Errors: `std::bad_alloc`.
    void start(std::size_t worker) {
        workers_[worker].at = list_.insert(list_.own(make_segment()), worker);
        workers_[worker].reserve = &list_.own(make_segment());
    }

    /// Null while the worker waits for an item.
    segment* at(std::size_t worker) const noexcept { return workers_[worker].at; }

    /// The worker goes on at `first`, if need be in its reserve. A worker that was told that there was no memory, and
    /// that comes again, may have no reserve any more: then it has no place.
    /// Returns: whether there was memory.
    bool go_on(std::size_t worker, std::uint64_t first) {
        worker_state& mine = workers_[worker];
        if (!mine.reserve) mine.reserve = unused();
        segment* const found = unused();
        if (segment* const at = found ? found : std::exchange(mine.reserve, nullptr))
            mine.at = list_.insert(*at, first);
        return found;
    }

    /// The worker is done with its segment; `end` is one past the last item that it began. Nothing from `limit` on
    /// leaves.
    void complete(std::size_t worker, std::uint64_t end, std::uint64_t limit) noexcept {
        segment* const at = std::exchange(workers_[worker].at, nullptr);
        if (!at) return;
        // What was dropped because of a stop has not begun; then the segment may be empty.
        const std::uint64_t done = at->is_items() ? std::max(item_numbers + end, at->first) : at->first + 1;
        at->end = std::min(done, limit);
        at->complete = true;
        // The front is removed at once. Relaxed: `front` is written under the same lock.
        if (!at->front.load(std::memory_order_relaxed)) list_.join_neighbours(*at);
    }

    /// The worker takes no items any more.
    void takes_no_more(std::size_t worker) noexcept {
        if (!std::exchange(workers_[worker].is_done, true)) --takers_;
    }
    bool is_done(std::size_t worker) const noexcept { return workers_[worker].is_done; }
    bool are_all_done() const noexcept { return takers_ == 0; }

    /// Whether the worker has seen the end of the items, and no item since. It may look again.
    bool is_after_items(std::size_t worker) const noexcept {
        return is_done(worker) && at(worker) && !at(worker)->is_items();
    }

    /// Whether all segments before `at` are complete.
    bool is_lowest(const segment* at) const noexcept {
        for (const segment* other = list_.first(); other && other != at; other = other->next)
            if (!other->complete) return false;
        return true;
    }

private:
    struct alignas(cache_line) worker_state {
        segment* at = nullptr;
        segment* reserve = nullptr;  // null where it was needed
        bool is_done = false;        // it takes no items any more
    };

    /// A segment that no worker has; null if there is no memory for one.
    segment* unused() noexcept {
        if (segment* const found = list_.take_unused()) return found;
        try {
            return &list_.own(make_segment());
        } catch (...) {
            return nullptr;
        }
    }

    const owning_ptr<worker_state[]> workers_;

protected:
    alignas(cache_line) segment_list list_;

private:
    std::size_t takers_;  // how many workers may take items
};

}  // namespace parallelpipe::detail

#endif
