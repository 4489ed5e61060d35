// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_READER_STATE_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_READER_STATE_HPP

// What a channel knows of each of its readers, and how other threads get a reader's attention.
//
// | atomic        | written by                          | order                                                   |
// |---------------|-------------------------------------|---------------------------------------------------------|
// | attention     | set by thieves, by a stop and by    | seq_cst, with the channel's aborted_ and stop_before_:  |
// |               | ask_all(); cleared by the reader    | a reader that clears it looks at these afterwards       |
// | unwinds_      | set by a stop of the nested reader  | relaxed: what wakes the reader orders it                |
// |               | (stop_wakeup.hpp), cleared by the   |                                                         |
// |               | reader                              |                                                         |
// | own_counters_ | the reader, once                    | relaxed: the counters were there before the reader      |
// | visits_       | the reader                          | relaxed: a number                                       |

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// One reader of a channel. Threads: the reader's, unless a member says otherwise.
class reader_state {
public:
    reader_state() = default;
    reader_state(const reader_state&) = delete;
    reader_state& operator=(const reader_state&) = delete;
    virtual ~reader_state() = default;

    /// How many items the reader has taken and not begun. Approximate: items on their way are counted or not, and
    /// a reader without siblings counts what it has begun since it last looked up.
    /// Threads: any.
    virtual std::uint64_t ahead() const noexcept { return 0; }

    /// How often the reader has looked up because its attention was asked for. Threads: any.
    std::uint64_t visits() const noexcept { return visits_.load(std::memory_order_relaxed); }
    /// The reader looks up; what asks for its attention from now on has it look up again.
    void looks_up() noexcept {
        visits_.store(visits() + 1, std::memory_order_relaxed);
        attention.store(false, std::memory_order_seq_cst);
    }

    /// Where the reader's items are counted; null: nowhere. Threads: any.
    worker_counters* own_counters() const noexcept { return own_counters_.load(std::memory_order_relaxed); }
    void count_for(worker_counters* counters) noexcept {
        own_counters_.store(counters, std::memory_order_relaxed);
    }
    /// `items` more were taken, or fewer. Threads: any.
    void count(std::ptrdiff_t items) noexcept {
        if (worker_counters* const counters = own_counters())
            counters->in.fetch_add(static_cast<std::uint64_t>(items), std::memory_order_relaxed);
    }

    /// Whether each look for items finds none, because a nested reader is to stop. Threads: any.
    bool unwinds() const noexcept { return unwinds_.load(std::memory_order_relaxed); }
    void unwind(bool whether) noexcept { unwinds_.store(whether, std::memory_order_relaxed); }

    sync::atomic<bool> attention{false};  // the reader looks up before its next item

    /// The number in the stream of the first item that was taken last, or of the item whose move threw.
    std::uint64_t taken_number = 0;
    wait_strategy strategy;

    // The channel's, under its locks.
    reader_state* next_told = nullptr;    // among those that are told of a stop
    reader_state* next_shared = nullptr;  // among those that siblings can steal from

private:
    sync::atomic<worker_counters*> own_counters_{nullptr};
    sync::atomic<bool> unwinds_{false};
    sync::atomic<std::uint64_t> visits_{0};
};

/// Readers, linked by one of their members.
/// Threads: one at a time.
template <reader_state* reader_state::* Next>
class reader_list {
public:
    void add(reader_state& reader) noexcept {
        reader_state** end = &first_;
        while (*end) end = &((*end)->*Next);
        *end = &reader;
    }
    /// Does nothing if the reader is not in the list.
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

/// The readers of a channel that are told of a stop.
/// Threads: any.
class told_readers {
public:
    /// `is_stopping()` is asked under the lock: a stop that get_attention() does not tell the reader is seen here.
    template <class IsStopping>
    void add(reader_state& reader, IsStopping is_stopping) {
        const sync::lock_guard lock(mutex_);
        readers_.add(reader);
        if (is_stopping()) reader.attention.store(true, std::memory_order_seq_cst);
    }
    void remove(reader_state& reader) {
        const sync::lock_guard lock(mutex_);
        readers_.remove(reader);
    }

    /// Has every reader look up before its next item.
    void get_attention() {
        for_each([](reader_state& reader) { reader.attention.store(true, std::memory_order_seq_cst); });
    }

    /// The same. Readers count items in bulk, so without this question a loop of slow items would seem to stand
    /// still. Returns: how often all of them have looked up so far.
    std::uint64_t ask_all() {
        std::uint64_t visits = 0;
        for_each([&](reader_state& reader) {
            visits += reader.visits();
            reader.attention.store(true, std::memory_order_seq_cst);
        });
        return visits;
    }

    /// How many items the readers that count for `counters` have taken and not begun.
    std::uint64_t ahead_of(const worker_counters& counters) const {
        std::uint64_t ahead = 0;
        for_each([&](const reader_state& reader) {
            if (reader.own_counters() == &counters) ahead += reader.ahead();
        });
        return ahead;
    }

private:
    template <class F>
    void for_each(F f) const {
        const sync::lock_guard lock(mutex_);
        for (reader_state* reader = readers_.first(); reader; reader = readers_.next(*reader)) f(*reader);
    }

    mutable sync::mutex mutex_;
    reader_list<&reader_state::next_told> readers_;  // under mutex_
};

}  // namespace parallelpipe::detail

#endif
