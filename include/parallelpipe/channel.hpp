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
// | closed_      | last consumer, or a stop   | producers, per push | nothing but itself: relaxed; the |
// |              |                            |                     | waits look again after prepare() |
// | interrupted_ | siblings of the reader     | the reader          | nothing but itself               |
// | aborted_     | a stop                     | consumers           | why the run stopped; seq_cst with|
// |              |                            |                     | attention in taken_items.hpp     |
// | producers_, consumers_ | each side, once per handle | the same  | the last one's right to end it:  |
// |              |                            |                     | acq_rel, so it sees all the rest |
//
// Waits, and who wakes them:
// * a consumer that finds the queue empty sleeps on not_empty_: woken by a push, by items given
//   back, by the sentinel, by interrupt(), by abort();
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
// No item waits behind a slow one: a consumer that finds nothing else steals what its siblings have
// taken and not begun (taken_items.hpp), before it sleeps and before it believes in the end. So an
// item that was taken is begun by its taker, stolen, or given back by a taker that leaves.

#include <parallelpipe/concepts.hpp>
#include <parallelpipe/detail/asymmetric_barrier.hpp>
#include <parallelpipe/detail/channel_base.hpp>
#include <parallelpipe/detail/concurrentqueue.hpp>
#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/detail/taken_items.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallelpipe {

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

private:
    // moodycamel cannot take back a block when an item's move throws at its beginning: such items, and
    // only such, travel in a box.
    static constexpr bool boxed = !std::is_nothrow_move_constructible_v<T>;
    using cell = detail::queue_cell<std::conditional_t<boxed, std::unique_ptr<T>, T>>;
    using queue = detail::concurrent_queue<cell>;

    /// Under take_mutex_: `items` loses what lies from `first` on, the last one first, so that every
    /// moment in between is whole.
    void put_back(detail::taken_items<T>& items, T* first) {
        T* last = items.last.load(std::memory_order_relaxed);
        while (last > first) {
            --last;
            given_back_.insert(std::unique_ptr<detail::given_back_item>(new given_back(
                items.first_number + static_cast<std::uint64_t>(last - items.first),
                std::move(*last))));
            items.last.store(last, std::memory_order_relaxed);
            std::destroy_at(last);
        }
    }

    /// Under take_mutex_: fetches half of what one of `thief`'s siblings has taken and not begun.
    /// Returns whether there was something.
    bool steal(const detail::taken_items<T>* thief) {
        for (detail::reader_base* sibling : shared_) {
            auto& items = static_cast<detail::taken_items<T>&>(*sibling);
            // New items come only under the lock, so a look that finds nothing unbegun is final.
            if (&items == thief || unbegun(items) <= 0) continue;
            items.attention.store(true, std::memory_order_seq_cst);
            detail::every_thread_passes_a_barrier();
            const std::ptrdiff_t left = unbegun(items);
            if (left <= 0) continue;
            put_back(items, items.last.load(std::memory_order_relaxed) - (left + 1) / 2);
            return true;
        }
        return false;
    }

    static std::ptrdiff_t unbegun(const detail::taken_items<T>& items) {
        return items.last.load(std::memory_order_relaxed) -
               items.begun.load(std::memory_order_relaxed);
    }

    struct given_back final : detail::given_back_item {
        given_back(std::uint64_t n, T&& i) : given_back_item(n), item(std::move(i)) {}
        T item;
    };

    queue queue_;
    // Under take_mutex_. They go before the queue.
    detail::given_back_items given_back_;
    std::uint64_t next_number_ = 0;  // under take_mutex_, if there are siblings: of the queue's next item
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
        if (room_ == 0) {
            room_ = channel_.take_room();
            if (room_ == 0) return false;
        }
        bool in = false;
        if constexpr (boxed)
            in = channel_.queue_.enqueue(token_, std::make_unique<T>(std::move(item)));
        else
            in = channel_.queue_.enqueue(token_, std::move(item));
        if (!in) throw std::bad_alloc();
        --room_;
        channel_.not_empty_.notify_one();
        return true;
    }

    /// The same for an item that holds a slot already. Never blocks.
    [[nodiscard]] bool push_with_slot(T&& item) {
        room_ += channel_.capacity_ == 0 ? 0 : 1;
        return push(std::move(item));
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
    /// `reader` is told of a stop. Its items can be stolen if it `shares` them.
    Consumer(Channel& channel, detail::reader_base& reader, detail::taken_items<T>* shared)
        : channel_(channel), token_(channel.queue_), reader_(reader), shared_(shared) {
        channel_.add(reader_);
        if (shared_) channel_.share(*shared_);
    }
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    ~Consumer() {
        if (shared_) channel_.unshare(*shared_);
        channel_.remove(reader_);
    }

    /// Takes up to `most` items if there are any; `place(T&&)` is called for each, in order.
    /// The items keep their slots until return_room() is told.
    /// Returns: how many; 0 if the channel was empty.
    /// Errors: what `place` throws; that item is lost, as are those of the same call behind it.
    template <class Place>
    std::size_t try_take(std::size_t most, Place&& place) {
        const auto alone = lock();
        return take_waiting(most, place);
    }

    /// The same, but waits. `before_sleep()` is called before the first pause.
    /// Blocks: while the channel is empty; woken by a push, by the sentinel and by abort().
    /// Returns: 0 at the end of the stream or once the channel is aborted.
    template <class Place, class BeforeSleep>
    std::size_t take(std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        for (;;) {
            for (int spin = 0; spin < spins; ++spin) {
                if (const auto taken = look(most, place, false)) return *taken;
                if (spin == 0) before_sleep();
                pause(spin);
            }
            const auto key = channel_.not_empty_.prepare();
            std::optional<std::size_t> taken;
            try {
                taken = look(most, place, true);
            } catch (...) {
                channel_.not_empty_.cancel(key);
                throw;
            }
            if (taken) {
                channel_.not_empty_.cancel(key);
                return *taken;
            }
            channel_.not_empty_.wait(key);
        }
    }

    /// How many items to take now so that the siblings find theirs: at most a quarter of what waits,
    /// divided among the consumers.
    std::size_t fair_share(std::size_t most) const {
        const std::size_t waiting = channel_.queue_.size_approx();
        return std::clamp<std::size_t>(waiting / (4 * channel_.consumer_count_), 1, most);
    }

    /// Hands the shared items from `first` on to the siblings.
    void give_back(T* first) {
        {
            const auto alone = lock();
            channel_.put_back(*shared_, first);
        }
        channel_.not_empty_.notify_all();
    }

    /// Something got the reader's attention: waits until no thief is at work. If its next item, that
    /// of `number`, is not to be read any more, calls `drop()` before another thief can come.
    /// Returns: whether to go on.
    template <class Drop>
    bool settle(std::uint64_t number, Drop drop) {
        const auto alone = lock();
        reader_.attention.store(false, std::memory_order_seq_cst);
        if (!channel_.is_aborted() && !channel_.is_stopped_before(number)) {
            // A later one of those that it has taken may be.
            if (channel_.has_stop()) reader_.attention.store(true, std::memory_order_seq_cst);
            return true;
        }
        drop();
        return false;
    }

    /// The number in the stream of the first of the items that were taken last, or of the one that
    /// `place` threw at.
    std::uint64_t first_number() const noexcept { return first_number_; }

    bool is_given_back(std::uint64_t number) {
        const auto alone = lock();
        return channel_.given_back_.contains(number);
    }

private:
    /// moodycamel writes through an output iterator; this one calls instead.
    template <class Place>
    struct placer {
        Place* place;

        placer& operator*() noexcept { return *this; }
        placer& operator++() noexcept { return *this; }
        placer& operator++(int) noexcept { return *this; }
        void operator=(cell&& item) noexcept(noexcept((*place)(std::declval<T&&>()))) {
            auto& held = detail::in_cell(item);
            if constexpr (boxed)
                (*place)(std::move(*held));
            else
                (*place)(std::move(held));
        }
    };

    /// Takers come one at a time: moodycamel's own count of them is optimistic, and one who fails can
    /// make another believe in emptiness for a moment. Alone, a look that finds nothing is proof that
    /// no push that happened before it is left.
    std::unique_lock<std::mutex> lock() {
        return channel_.consumer_count_ > 1 ? std::unique_lock(channel_.take_mutex_)
                                            : std::unique_lock<std::mutex>();
    }

    template <class Place>
    std::size_t take_waiting(std::size_t most, Place& place) {
        if (!channel_.given_back_.is_empty()) [[unlikely]] {
            if (channel_.is_stopped_before(channel_.given_back_.first_number())) return 0;
            const auto next = channel_.given_back_.take_first();  // also if moving it throws
            first_number_ = next->number;
            place(std::move(static_cast<given_back&>(*next).item));
            return 1;
        }
        first_number_ = channel_.next_number_;
        if (channel_.is_stopped_before(first_number_)) return 0;
        try {
            const std::size_t taken =
                channel_.queue_.try_dequeue_bulk(token_, placer<Place>{&place}, most);
            channel_.next_number_ += taken;
            return taken;
        } catch (...) {
            ++channel_.next_number_;  // that item is lost
            throw;
        }
    }

    /// A number: that many items, 0 at the end. Nothing: empty, but more may come.
    template <class Place>
    std::optional<std::size_t> look(std::size_t most, Place& place, bool steal) {
        if (channel_.is_aborted()) return 0;
        const bool stopped = channel_.has_stop();
        // The sentinel first: if it stands, every push came before, and an empty queue is final.
        const bool ended = channel_.sentinel_.load(std::memory_order_acquire);
        const auto alone = lock();
        if (const std::size_t taken = take_waiting(most, place)) return taken;
        if ((steal || ended) && !stopped && channel_.steal(shared_))
            return take_waiting(most, place);
        const bool interrupted = channel_.interrupted_.load(std::memory_order_seq_cst);
        return ended || stopped || interrupted ? std::optional<std::size_t>(0) : std::nullopt;
    }

    Channel& channel_;
    moodycamel::ConsumerToken token_;
    detail::reader_base& reader_;
    detail::taken_items<T>* const shared_;  // null: nobody can steal from this one
    std::uint64_t first_number_ = 0;
};

}  // namespace parallelpipe

#endif
