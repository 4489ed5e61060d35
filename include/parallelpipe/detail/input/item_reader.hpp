// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_ITEM_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_ITEM_READER_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/input/ordered_reader.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace parallelpipe::inline v0::detail {

/// A reader, its item type erased.
/// Threads: its worker's.
class item_reader_base {
public:
    item_reader_base() = default;
    item_reader_base(const item_reader_base&) = delete;
    item_reader_base& operator=(const item_reader_base&) = delete;
    virtual ~item_reader_base() = default;

    /// The worker wants no more: items that it has not begun go back to where its siblings find them.
    virtual void give_back() {}

    /// Reads to the end and ignores what comes.
    virtual void drain() = 0;

    /// The number in the stage's input of the item in hand, or of the last one that was in hand, or of the item whose
    /// move into the reader failed.
    virtual std::uint64_t number_in_hand() const { return 0; }

    /// Whether there has been an item yet.
    virtual bool has_taken() const { return false; }

    /// For an ordered stage; null where items have no numbers, as they come from one worker in its order.
    virtual ordered_reader* ordered() noexcept { return nullptr; }

    /// From now on the items are those of a stage inside a fused one: a stop of that stage, too, ends the reading,
    /// in any thread. Without a stop: they are not any more.
    virtual void read_by(sync::stop_token /*inner_stage*/) {}

    /// The worker that begins to read is the last one: after it, none reads here.
    virtual void last_reader_comes() {}

    /// A loop over the items begins, in the calling thread.
    /// Errors: `std::system_error` if a thread that this needs cannot be started.
    virtual void arrive() {}

    /// The worker that reads here hands the items on and returns their slots.
    virtual void keep_slots() {}

    /// What is read counts as what `worker` has taken; null: none.
    virtual void count_for(worker_counters* /*worker*/) {}

    /// The reading function is noexcept and cannot be unwound: when the run is stopped, its items just end.
    void end_quietly() noexcept { quiet_ = true; }

protected:
    bool quiet_ = false;
};

/// What an Input or a Results reads from: items lie ready in a buffer, and checkpoint() of the class that has the
/// buffer is called only where that class has set a checkpoint: once per bulk, not once per item.
///
/// at_end() and item() begin the next item; next() only gives an item up. So a loop that takes n items waits for n
/// items, not for n + 1.
template <class T>
class item_reader : public item_reader_base {
public:
    /// Goes to the first item that item() has not returned. After the end, the next look is a new one: siblings may
    /// have given items back.
    void begin() {
        this->arrive();
        if (hand_ == hand::seen)
            next();
        else if (hand_ == hand::at_end)
            hand_ = hand::empty;
    }

    /// Whether there is no next item. Blocks until that is known. The end stays the end until begin().
    /// Errors: what moving the next item throws; stop_unwind if the run was stopped.
    PARALLELPIPE_INLINE bool at_end() {
        if (is_ready()) return false;
        if (current_ != checkpoint_) [[likely]] {
            begin_item();
            if (!needs_attention()) [[likely]]
                return false;
        }
        checkpoint();
        if (is_ready()) [[likely]]
            return false;
        meet_end();
        return true;
    }

    /// The item in hand. Blocks and throws like at_end().
    PARALLELPIPE_INLINE T& item() {
        if (!is_ready()) [[unlikely]]
            look();
        hand_ = hand::seen;
        return *current_;
    }

    /// Calls `f(item)` for one item after the other, until it returns false or they end.
    template <class F>
    PARALLELPIPE_INLINE void each(F f) {
        begin();
        while (!at_end()) {
            // Without rivals no other thread can take what lies ready: no thread has to be told of each item.
            T* const end = has_rivals_ ? current_ + 1 : checkpoint_;
            hand_ = hand::seen;
            {
                position at(*this);
                do {
                    if (!f(*at.item)) return;
                    std::destroy_at(at.item);
                    ++at.item;
                } while (at.item != end && !needs_attention());
            }
            place(current_, hand::empty, checkpoint_);
        }
    }

    void count_for(worker_counters* counters) final { prefetched_.count_for(counters); }

    void drain() final {
        for (begin(); !at_end();) next();
    }

    /// The item in hand and the next ones that lie ready, `most` at most: all of them come into the reader's hands.
    /// Blocks and throws like at_end(). Empty at the end.
    std::span<T> bulk(std::size_t most) {
        if (hand_ == hand::at_end) begin();
        if (at_end()) return {};
        auto count = std::min(static_cast<std::ptrdiff_t>(most), checkpoint_ - current_);
        prefetched_.begun.store(current_ + count, std::memory_order_relaxed);
        sync::atomic_signal_fence(std::memory_order_seq_cst);
        if (needs_attention()) [[unlikely]] {
            // A thief may have taken the others; only the one in hand is certain.
            count = 1;
            prefetched_.begun.store(current_ + count, std::memory_order_relaxed);
        }
        return {current_, static_cast<std::size_t>(count)};
    }

    /// Gives up the first `count` items of the bulk.
    void skip(std::size_t count) {
        std::destroy_n(current_, count);
        current_ += count;
        hand_ = prefetched_.begun.load(std::memory_order_relaxed) == current_ ? hand::empty : hand::unseen;
    }

    /// Gives up the item in hand.
    PARALLELPIPE_INLINE void next() {
        if (!is_ready()) [[unlikely]]
            look();
        hand_ = hand::empty;
        std::destroy_at(current_);
        ++current_;
    }

protected:
    item_reader() = default;
    ~item_reader() override { destroy_items(); }

    /// Called when current_ has reached checkpoint_, or when the reader has to pay attention. Leaves
    /// current_ at an item that has been begun, or no item in hand at the end. With hand::at_end it finds none.
    virtual void checkpoint() = 0;

    T* last() const noexcept { return prefetched_.last.load(std::memory_order_relaxed); }

    PARALLELPIPE_INLINE bool is_ready() const noexcept { return hand_ <= hand::seen; }

    /// What the reader has in hand: the item at current_, or nothing; and then whether it has met the end.
    enum class hand : unsigned char { unseen, seen, empty, at_end };

    /// Sets where the reader is: at `item`, with `what` in hand, and checkpoint() due at `until`. Only begin_item() and
    /// next(), which every item pays for, set less.
    void place(T* item, hand what, T* until) noexcept {
        current_ = item;
        hand_ = what;
        checkpoint_ = until;
        prefetched_.begun.store(is_ready() ? item + 1 : item, std::memory_order_relaxed);
    }

    /// The item at current_ comes into the reader's hands.
    PARALLELPIPE_INLINE void begin_item() noexcept {
        prefetched_.begun.store(current_ + 1, std::memory_order_relaxed);
        sync::atomic_signal_fence(std::memory_order_seq_cst);
        hand_ = hand::unseen;
    }

    /// The reader has no item left: what it took ahead, siblings may have taken over.
    void place_at_last() noexcept { place(current_, hand::empty, current_); }

    PARALLELPIPE_INLINE bool needs_attention() const noexcept {
        return prefetched_.attention.load(std::memory_order_relaxed);
    }

    /// A first item was put at `item`: it is begun at once.
    void restart_at(T* item) noexcept {
        place(item, hand::unseen, item + 1);
        prefetched_.last.store(item + 1, std::memory_order_relaxed);
    }

    /// Takes what lies ready, from current_ on, out of the reach of other threads; under the lock under which they
    /// look, if there is one. What was not begun does not count as taken.
    /// Returns: the end of what was withdrawn, for destroy_to().
    T* withdraw() noexcept {
        T* const end = last();
        prefetched_.count(-static_cast<std::ptrdiff_t>(prefetched_.ahead()));
        prefetched_.last.store(current_, std::memory_order_relaxed);
        place_at_last();
        return end;
    }
    /// Destroys what was withdrawn. Without a lock: a destructor may take any lock, and wait.
    void destroy_to(T* end) noexcept {
        std::destroy(current_, end);
        place(end, hand::empty, end);
        prefetched_.last.store(end, std::memory_order_relaxed);
    }
    void destroy_items() noexcept { destroy_to(withdraw()); }

    T* current_ = nullptr;    // the item in hand, or the next
    T* checkpoint_ = nullptr;  // where checkpoint() is due; thieves may take items before that
    hand hand_ = hand::empty;
    bool has_rivals_ = true;  // others may take what was not begun
    prefetched_items<T> prefetched_;

private:
    /// current_ in a loop, where the compiler can keep it in a register. Written back however the loop ends.
    struct position {
        explicit position(item_reader& of) noexcept : item(of.current_), of_(of) {}
        ~position() {
            of_.current_ = item;
            of_.prefetched_.begun.store(item + 1, std::memory_order_relaxed);
        }
        position(const position&) = delete;
        position& operator=(const position&) = delete;

        T* item;

    private:
        item_reader& of_;
    };

    PARALLELPIPE_RARE void meet_end() noexcept { place(current_, hand::at_end, current_); }

    PARALLELPIPE_RARE void look() {
        [[maybe_unused]] const bool ended = at_end();
        assert(!ended && "parallelpipe: * or ++ after the last item; compare with end() first");
    }
};

/// Makes an Input that is not read.
struct no_items {};

/// How many items a reader takes at once: about 4 KiB of them.
template <class T>
inline constexpr std::size_t bulk_items =
    std::clamp<std::size_t>(std::size_t{4096} / sizeof(T), 1, 256);

}  // namespace parallelpipe::detail

#endif
