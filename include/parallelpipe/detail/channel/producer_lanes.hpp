// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_PRODUCER_LANES_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_PRODUCER_LANES_HPP

// Where the items of a channel lie. Each producer has a lane of its own, a sequence of chunks. It constructs items in
// its last chunk, one after the other, and stores their number after each: the item is visible then. A chunk
// is announced to the readers through moodycamel's queue when it is opened, once per hundreds of items, and comes
// back to its producer when all of it has been read.
//
// So an item costs its producer one store that other threads see, in a cache line that no other thread writes. An
// item whose move throws was never there. And the queue is compiled once, not for each type of items.
//
// | atomic    | written by                   | read by               | what it carries                     |
// |-----------|------------------------------|-----------------------|-------------------------------------|
// | filled    | the lane's producer, release | readers, acquire      | the items before                    |
// | the queue | announce(), moodycamel's own | admit()               | a chunk that was made ready for use |
// | returned  | readers, release             | the producer, acquire | a chunk that is not read any more   |
// | lanes_    | a thread that opens a lane,  | any thread, acquire   | the lane                            |
// |           | release                      |                       |                                     |
// | writing   | the producer, release        | any thread, acquire   | the chunk, to look at               |
// | before    | the producer, release        | any thread, acquire   | that `version` has changed          |
// | version   | the producer, release        | any thread, acquire   | that `writing`, `before` and        |
// |           |                              |                       | `filled` fit together               |
//
// Readers come one at a time, under the channel's lock. So a reader that finds nothing knows that it has missed no
// push that happened before: moodycamel's queue is exact for a reader without rivals.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/concurrentqueue.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <cstddef>
#include <new>
#include <utility>

namespace parallelpipe::inline v0::detail {

struct lane;

/// Memory for some items, which lie after this part of it: item_store::items_chunk knows their type.
struct chunk {
    alignas(cache_line) sync::atomic<std::size_t> filled{0};  // how many items have been constructed

    alignas(cache_line) std::size_t taken = 0;  // the readers': how many items have been destroyed
    chunk* next = nullptr;                      // the readers': the next one in the lane, or of those returned
    lane* owner = nullptr;
    chunk* next_made = nullptr;  // for the end
};

using chunk_queue = moodycamel::ConcurrentQueue<chunk*>;

struct lane {
    explicit lane(chunk_queue& queue) : token(queue) {}

    // The producer's.
    alignas(cache_line) moodycamel::ProducerToken token;
    chunk* made = nullptr;
    chunk* reusable = nullptr;
    sync::atomic<chunk*> writing{nullptr};
    sync::atomic<std::size_t> before{0};  // how many items were pushed into the chunks before that
    sync::atomic<unsigned> version{0};    // odd while these two and the chunk do not fit together
    lane* next_opened = nullptr;         // constant

    // The readers'.
    alignas(cache_line) sync::atomic<chunk*> returned{nullptr};
    chunk* reading = nullptr;  // null: all chunks that are known have been read
    chunk* last = nullptr;
    lane* next_to_read = nullptr;
};

class producer_lanes {
public:
    producer_lanes() : queue_(0), token_(queue_) {}
    producer_lanes(const producer_lanes&) = delete;
    producer_lanes& operator=(const producer_lanes&) = delete;
    ~producer_lanes() {
        for (lane* each = lanes_.load(std::memory_order_acquire); each;)
            delete std::exchange(each, each->next_opened);
    }

    /// A lane for a producer. Threads: any. Errors: `std::bad_alloc`.
    lane& open() {
        lane* const made = new lane(queue_);
        if (!made->token.valid()) {
            delete made;
            throw std::bad_alloc();
        }
        made->next_opened = lanes_.load(std::memory_order_relaxed);
        while (!lanes_.compare_exchange_weak(made->next_opened, made, std::memory_order_acq_rel)) {
        }
        count_.fetch_add(1, std::memory_order_relaxed);
        return *made;
    }

    /// Calls `f(chunk&)` for every chunk there is. Not while a producer or a reader is left.
    template <class F>
    void for_each_chunk(F f) {
        for (lane* each = lanes_.load(std::memory_order_acquire); each; each = each->next_opened)
            while (each->made) f(*std::exchange(each->made, each->made->next_made));
    }

    // ---- a producer's ----

    /// A chunk that has been read to its end, or null.
    static chunk* reuse(lane& mine) noexcept {
        if (!mine.reusable) mine.reusable = mine.returned.exchange(nullptr, std::memory_order_acquire);
        chunk* const found = mine.reusable;
        if (!found) return nullptr;
        mine.reusable = found->next;
        found->next = nullptr;
        found->taken = 0;
        found->filled.store(0, std::memory_order_release);  // after the change of version, for pushed()
        return found;
    }

    /// Lives as long as the producer changes chunks.
    class change {
    public:
        explicit change(lane& mine) noexcept : mine_(mine) { step(std::memory_order_relaxed); }
        ~change() { step(std::memory_order_release); }
        change(const change&) = delete;
        change& operator=(const change&) = delete;

    private:
        void step(std::memory_order order) noexcept {
            mine_.version.store(mine_.version.load(std::memory_order_relaxed) + 1, order);
        }

        lane& mine_;
    };

    /// A new chunk belongs to the lane from now on.
    static void adopt(lane& mine, chunk& made) noexcept {
        made.owner = &mine;
        made.next_made = std::exchange(mine.made, &made);
    }

    /// Tells the readers of an empty chunk, which the producer fills from now on. The chunk before has `full` items.
    /// Errors: `std::bad_alloc`; then the chunk stays the producer's.
    void announce(lane& mine, chunk& opened, std::size_t full) {
        if (!enqueue(mine, opened)) {
            opened.next = std::exchange(mine.reusable, &opened);
            throw std::bad_alloc();
        }
        mine.before.store(mine.before.load(std::memory_order_relaxed) + full, std::memory_order_release);
        mine.writing.store(&opened, std::memory_order_release);
    }

    // ---- the readers', one at a time ----

    /// Takes up to `most` items: `take_from(chunk&, n)` takes the next n items of a chunk. One lane after the other, so
    /// that none waits for ever. Returns: how many.
    template <class TakeFrom>
    std::size_t take(std::size_t chunk_size, std::size_t most, TakeFrom take_from) {
        std::size_t taken = 0;
        if (to_read_ < count_.load(std::memory_order_relaxed)) admit();
        do {
            for (std::size_t left = to_read_; left != 0 && taken != most; --left) {
                lane& from = *first_;
                while (from.reading && taken != most) {
                    chunk& at = *from.reading;
                    if (at.taken == chunk_size) {
                        finish(from);
                        continue;
                    }
                    const std::size_t waiting = at.filled.load(std::memory_order_acquire) - at.taken;
                    if (waiting == 0) break;
                    const std::size_t some = waiting < most - taken ? waiting : most - taken;
                    take_from(at, some);
                    taken += some;
                }
                move_on();
            }
        } while (taken == 0 && admit());
        return taken;
    }

    /// How many items were pushed into a lane so far. Approximate: an item on its way is counted or not. Threads: any.
    static std::size_t pushed(const lane& mine) noexcept {
        // All that is read between two equal and even versions belongs to that version. A producer that lost its core
        // in the middle is not waited for.
        std::size_t sum = 0;
        for (int attempt = 0; attempt < 100; ++attempt) {
            const unsigned version = mine.version.load(std::memory_order_acquire);
            const chunk* const at = mine.writing.load(std::memory_order_acquire);
            sum = mine.before.load(std::memory_order_acquire);
            if (at) sum += at->filled.load(std::memory_order_acquire);
            if (version % 2 == 0 && version == mine.version.load(std::memory_order_relaxed)) break;
        }
        return sum;
    }
    std::size_t pushed() const noexcept {
        std::size_t sum = 0;
        for (const lane* each = lanes_.load(std::memory_order_acquire); each; each = each->next_opened)
            sum += pushed(*each);
        return sum;
    }

private:
    // moodycamel's queue orders the reuse of its blocks by fences; but a store and a load, which ThreadSanitizer sees,
    // order what one side did before enqueue() before what the other does after dequeue().
    bool enqueue(lane& mine, chunk& opened) {
        const tsan_unchecked moodycamel;
        return queue_.enqueue(mine.token, &opened);
    }
    template <std::size_t N>
    std::size_t dequeue(chunk* (&found)[N]) {
        const tsan_unchecked moodycamel;
        return queue_.try_dequeue_bulk(token_, found, N);
    }

    /// Looks for chunks that have been announced. Returns: whether there were any.
    bool admit() {
        chunk* found[8];
        bool any = false;
        while (const std::size_t count = dequeue(found)) {
            any = true;
            for (std::size_t i = 0; i < count; ++i) {
                chunk& opened = *found[i];
                lane& from = *opened.owner;
                if (from.reading) {
                    from.last->next = &opened;
                } else {
                    from.reading = &opened;
                    from.next_to_read = nullptr;
                    (last_ ? last_->next_to_read : first_) = &from;
                    last_ = &from;
                    ++to_read_;
                }
                from.last = &opened;
            }
        }
        return any;
    }

    /// The chunk goes back to its producer.
    static void finish(lane& from) noexcept {
        chunk* const read = std::exchange(from.reading, from.reading->next);
        read->next = from.returned.load(std::memory_order_relaxed);
        while (!from.returned.compare_exchange_weak(read->next, read, std::memory_order_release,
                                                    std::memory_order_relaxed)) {
        }
    }

    /// Moves the first lane to the end, or takes it out until there is a chunk to read.
    void move_on() noexcept {
        lane& from = *first_;
        if (!from.next_to_read) {
            if (from.reading) return;  // the only one
            first_ = last_ = nullptr;
        } else {
            first_ = std::exchange(from.next_to_read, nullptr);
            if (from.reading) {
                last_->next_to_read = &from;
                last_ = &from;
                return;
            }
        }
        --to_read_;
    }

    chunk_queue queue_;
    moodycamel::ConsumerToken token_;
    alignas(cache_line) sync::atomic<lane*> lanes_{nullptr};
    sync::atomic<std::size_t> count_{0};  // relaxed: a reader that finds nothing looks into the queue anyway
    lane* first_ = nullptr;              // lanes with a chunk to read
    lane* last_ = nullptr;
    std::size_t to_read_ = 0;  // how many
};

}  // namespace parallelpipe::detail

#endif
