#ifndef PARALLELPIPE_CHANNEL_HPP
#define PARALLELPIPE_CHANNEL_HPP

// The bounded multi-producer multi-consumer queue between two stages.
//
// Happens-before edges, by the atomic that carries them:
//
// | atomic       | written by                 | read by             | what it carries                  |
// |--------------|----------------------------|---------------------|----------------------------------|
// | queue_       | Producer::push             | Consumer::try_take  | an item: moodycamel's tail index |
// | room_        | consumers +n, producers -n | producers           | the slots of items that have been|
// |              |                            |                     | taken: release on +, acquire on -|
// | sentinel_    | the last producer to leave | consumers           | every push: release / acquire    |
// | ahead_       | consumers, +1 under        | consumers           | items given back come before -1; |
// |              | take_mutex_, -1 anywhere   |                     | seq_cst with sentinel_, see below|
// | closed_      | last consumer, or a stop   | producers, per push | nothing but itself: relaxed; the |
// |              |                            |                     | waits look again after prepare() |
// | aborted_     | a stop                     | consumers, per item | the same; who wants to know why  |
// |              |                            |                     | the run stopped reads it acquire |
// | producers_, consumers_ | each side, once per handle | the same  | the last one's right to end it:  |
// |              |                            |                     | acq_rel, so it sees all the rest |
//
// Waits, and who wakes them:
// * a consumer that finds the queue empty sleeps on not_empty_: woken by a push, by items given
//   back, by the sentinel, by a sibling that has begun the last item it took ahead, by abort();
// * a producer that finds no room sleeps on not_full_: woken by a consumer that returns slots, by a
//   producer that took some and left some or that leaves, by close(), by abort().
// Each changes the condition first and notifies then; event_count.hpp argues why none is lost.
//
// End of stream is a sentinel: the last producer to leave posts it. It is latched beside the queue
// instead of travelling through it as an item: moodycamel keeps order only within one producer, so
// a sentinel in the queue could overtake items, would need a place in every item's type, and would
// have to be put back for each sibling. Whoever sees it drains what is left (everything was pushed
// before it was posted) and leaves it standing for the siblings.
//
// A consumer that took several items at once may leave without having begun them all, and gives the
// rest back. So the sentinel alone does not end the stream for its siblings: ahead_ counts the
// consumers that hold unbegun items, and a consumer waits until it is 0. Who brings it to 0 looks
// for the sentinel, who posts the sentinel makes all look at ahead_: both are seq_cst, so one of
// the two sees the other.

#include <parallelpipe/concepts.hpp>
#include <parallelpipe/detail/concurrentqueue.hpp>
#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/detail/event_count.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// What a channel does without knowing its items: room, close, sentinel, sleep.
class channel_base {
public:
    channel_base(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : capacity_(static_cast<std::ptrdiff_t>(capacity)),
          producer_share_(producers == 1 ? capacity_
                                         : capacity_ / static_cast<std::ptrdiff_t>(4 * producers)),
          return_stride_(std::max<std::ptrdiff_t>(
              1, capacity_ / static_cast<std::ptrdiff_t>(8 * consumers))),
          wake_producers_at_(std::max<std::ptrdiff_t>(1, capacity_ / 4)),
          consumer_count_(consumers),
          room_(capacity_),
          producers_(producers),
          consumers_(consumers) {}
    channel_base(const channel_base&) = delete;
    channel_base& operator=(const channel_base&) = delete;
    virtual ~channel_base() = default;

    /// How many items may wait; 0 is unlimited.
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(capacity_); }

    /// Nobody will read on: pushes fail from now on. What is inside stays readable.
    void close() {
        closed_.store(true, std::memory_order_relaxed);
        not_full_.notify_all();
    }

    /// The run stops: pushes and takes fail from now on, everybody who waits wakes.
    void abort() {
        aborted_.store(true, std::memory_order_release);
        close();
        not_empty_.notify_all();
    }

    bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }
    const std::atomic<bool>& aborted() const noexcept { return aborted_; }

    /// One of the producers is done. To be called once for each; the last one posts the sentinel.
    void producer_left() {
        if (producers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        sentinel_.store(true, std::memory_order_seq_cst);
        not_empty_.notify_all();
    }

    /// A consumer has begun, or given back, the last of several items that it took at once.
    void begun_all_taken() {
        if (ahead_.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
            sentinel_.load(std::memory_order_seq_cst))
            not_empty_.notify_all();
    }

    /// One of the consumers is done. To be called once for each; the last one closes the channel.
    /// Returns whether it was the last.
    bool consumer_left() {
        if (consumers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
        close();
        return true;
    }

    /// How many items a consumer may work off before it returns their slots.
    std::ptrdiff_t return_stride() const noexcept { return return_stride_; }

    /// `items` items are no longer waiting: their slots are free.
    void return_room(std::ptrdiff_t items) {
        if (capacity_ == 0 || items == 0) return;
        const std::ptrdiff_t room = room_.fetch_add(items, std::memory_order_release) + items;
        // A full queue is not worth a wake-up for every slot. Of C slots, producers that do
        // something else hold at most C/4 (producer_share_), consumers at most C/4 looked ahead
        // (channel_feed) and C/8 not yet returned (return_stride_): a queue with nothing to take
        // always has C/4 free, so nobody sleeps for ever below the mark.
        if (room >= wake_producers_at_) not_full_.notify_one();
    }

protected:
    /// Takes slots for a producer with an item in hand: as many as there are up to its share, so that
    /// the next items cost nothing shared, but at least the one. Blocks while there is none.
    /// Returns 0 once the channel is closed.
    std::ptrdiff_t take_room() {
        for (;;) {
            for (int spin = 0; spin < spins; ++spin) {
                if (const std::ptrdiff_t taken = try_take_room()) return taken;
                if (is_closed()) return 0;
                pause(spin);
            }
            not_full_.prepare();
            if (const std::ptrdiff_t taken = try_take_room()) {
                not_full_.cancel();
                return taken;
            }
            if (is_closed()) {
                not_full_.cancel();
                return 0;
            }
            not_full_.wait();
        }
    }

    static void pause(int spin) noexcept {
        for (int i = 0; i < 4 + spin; ++i) cpu_pause();
    }

    /// A wait looks this often, in about two microseconds, before it sleeps.
    static constexpr int spins = 8;

    const std::ptrdiff_t capacity_;
    const std::ptrdiff_t producer_share_;
    const std::ptrdiff_t return_stride_;
    const std::ptrdiff_t wake_producers_at_;
    const std::size_t consumer_count_;

    // Written once, at the end; read by both sides all the time.
    alignas(cache_line) std::atomic<bool> closed_{false};
    std::atomic<bool> aborted_{false};
    std::atomic<bool> sentinel_{false};

    alignas(cache_line) std::atomic<std::ptrdiff_t> room_;
    std::atomic<std::size_t> producers_;
    std::atomic<std::size_t> consumers_;
    std::atomic<std::size_t> ahead_{0};

    alignas(cache_line) event_count not_empty_;
    alignas(cache_line) event_count not_full_;

private:
    std::ptrdiff_t try_take_room() {
        std::ptrdiff_t room = room_.load(std::memory_order_relaxed);
        while (room > 0) {
            const std::ptrdiff_t taken =
                std::clamp<std::ptrdiff_t>(producer_share_, 1, room);
            // Acquire: pairs with return_room, whose consumers are done with those items.
            if (room_.compare_exchange_weak(room, room - taken, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
                if (room != taken) not_full_.notify_one();
                return taken;
            }
        }
        return 0;
    }
};

}  // namespace detail

/// A bounded multi-producer multi-consumer queue with an end of stream on either side.
/// Shape: items of one producer keep their order; an item is visible as soon as `push` returns, and
///   is moved in and moved out, nothing else. At most `capacity` items wait.
/// Threads: the numbers of producers and consumers are fixed at construction. Each uses a handle of
///   its own, `Producer` or `Consumer`, on one thread at a time, and tells `producer_left()` or
///   `consumer_left()` once when it is done. All other members from any thread.
/// Cost: a push is one uncontended store; slots, tokens and wake-ups are paid per bulk.
template <Item T>
class Channel : public detail::channel_base {
public:
    class Producer;
    class Consumer;

    /// `capacity` 0 is unlimited. `producers` and `consumers` are at least 1.
    Channel(std::size_t capacity, std::size_t producers, std::size_t consumers)
        : channel_base(capacity, producers, consumers), queue_(0) {}

    /// Items that wait, give or take what is on its way this moment.
    std::size_t size_approx() const { return queue_.size_approx(); }

    /// Hands items that a leaving consumer had taken, but not begun, to its siblings.
    void give_back(T* first, T* last) {
        if (first == last) return;
        {
            const std::lock_guard lock(take_mutex_);
            for (T* item = first; item != last; ++item) given_back_.push_back(std::move(*item));
        }
        not_empty_.notify_all();
    }

private:
    using queue = detail::concurrent_queue<T>;

    queue queue_;
    std::mutex take_mutex_;
    std::deque<T> given_back_;  // under take_mutex_
};

/// The pushing end of a channel.
template <Item T>
class Channel<T>::Producer {
public:
    /// Errors: `std::bad_alloc`.
    explicit Producer(Channel& channel) : channel_(channel), token_(channel.queue_) {
        if (!token_.valid()) throw std::bad_alloc();
    }
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    ~Producer() { channel_.return_room(room_); }

    /// Adds an item at the end.
    /// Blocks: while the channel is full; woken by a consumer that makes room and by close().
    /// Returns: false if the channel is closed; the item is then left as it was.
    /// Errors: what the item's move throws, `std::bad_alloc`; the item is then not in the channel.
    [[nodiscard]] bool push(T&& item) {
        if (channel_.is_closed()) return false;
        if (channel_.capacity_ != 0) {
            if (room_ == 0) {
                room_ = channel_.take_room();
                if (room_ == 0) return false;
            }
            --room_;
        }
        detail::tsan_acquire(&channel_);  // moodycamel's reuse of blocks is ordered by fences
        if (!channel_.queue_.enqueue(token_, std::move(item))) throw std::bad_alloc();
        channel_.not_empty_.notify_one();
        return true;
    }

private:
    Channel& channel_;
    moodycamel::ProducerToken token_;
    std::ptrdiff_t room_ = 0;  // slots taken and not yet used
};

/// The taking end of a channel.
template <Item T>
class Channel<T>::Consumer {
public:
    explicit Consumer(Channel& channel) : channel_(channel), token_(channel.queue_) {}
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    /// Takes up to `most` items if there are any; `place(T&&)` is called for each, in order.
    /// The items keep their slots until return_room() is told. Who has siblings and took more than
    /// one owes a begun_all_taken().
    /// Returns: how many; 0 if the channel was empty.
    /// Errors: what `place` throws; that item is lost, as are those of the same call behind it.
    template <class Place>
    std::size_t try_take(std::size_t most, Place&& place) {
        // Takers come one at a time: moodycamel's own count of them is optimistic, and one who fails
        // can make another believe in emptiness for a moment. Alone, a look that finds nothing is
        // proof that no push that happened before it is left.
        std::unique_lock<std::mutex> alone(channel_.take_mutex_, std::defer_lock);
        if (channel_.consumer_count_ > 1) alone.lock();
        if (!channel_.given_back_.empty()) [[unlikely]] {
            place(std::move(channel_.given_back_.front()));
            channel_.given_back_.pop_front();
            return 1;
        }
        const std::size_t taken =
            channel_.queue_.try_dequeue_bulk(token_, placer<Place>{&place}, most);
        if (taken != 0) detail::tsan_release(&channel_);
        if (taken > 1 && channel_.consumer_count_ > 1)
            channel_.ahead_.fetch_add(1, std::memory_order_relaxed);  // ordered by take_mutex_
        return taken;
    }

    /// The same, but waits. `before_sleep()` is called before the first sleep.
    /// Blocks: while the channel is empty; woken by a push, by the sentinel and by abort().
    /// Returns: 0 at the end of the stream or once the channel is aborted.
    template <class Place, class BeforeSleep>
    std::size_t take(std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        for (;;) {
            for (int spin = 0; spin < spins; ++spin) {
                if (const auto taken = look(most, place)) return *taken;
                if (spin == 0) before_sleep();
                pause(spin);
            }
            channel_.not_empty_.prepare();
            std::optional<std::size_t> taken;
            try {
                taken = look(most, place);
            } catch (...) {
                channel_.not_empty_.cancel();
                throw;
            }
            if (taken) {
                channel_.not_empty_.cancel();
                return *taken;
            }
            channel_.not_empty_.wait();
        }
    }

    /// How many items to take now so that the siblings find theirs: at most a quarter of what waits,
    /// divided among the consumers.
    std::size_t fair_share(std::size_t most) const {
        const std::size_t waiting = channel_.queue_.size_approx();
        return std::clamp<std::size_t>(waiting / (4 * channel_.consumer_count_), 1, most);
    }

private:
    /// moodycamel writes through an output iterator; this one calls instead.
    template <class Place>
    struct placer {
        std::remove_reference_t<Place>* place;

        placer& operator*() noexcept { return *this; }
        placer& operator++() noexcept { return *this; }
        placer& operator++(int) noexcept { return *this; }
        void operator=(T&& item) noexcept(noexcept((*place)(std::move(item)))) {
            (*place)(std::move(item));
        }
    };

    /// A number: that many items, 0 at the end. Nothing: empty, but more may come.
    template <class Place>
    std::optional<std::size_t> look(std::size_t most, Place& place) {
        if (channel_.aborted_.load(std::memory_order_relaxed)) return 0;
        // The sentinel first: if it stands, every push came before, and an empty queue is final.
        const bool ended = channel_.sentinel_.load(std::memory_order_seq_cst);
        // Then the siblings: if none holds unbegun items, none will give any back after this.
        const bool all_begun = ended && channel_.ahead_.load(std::memory_order_seq_cst) == 0;
        const std::size_t taken = try_take(most, place);
        if (taken != 0 || all_begun) return taken;
        return std::nullopt;
    }

    Channel& channel_;
    moodycamel::ConsumerToken token_;
};

}  // namespace parallelpipe

#endif
