// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_SLEEPERS_HPP
#define PARALLELPIPE_DETAIL_SYNC_SLEEPERS_HPP

// Threads asleep under one mutex, each on a condition variable of its own.
//
// One condition variable for all would be shorter, but glibc before 2.41 can lose a notify_one() where several
// threads wait on it (bug 25847). On each of these waits one thread, so a notification has one thread to go to.
//
// A notifier takes a thread from the queue under the mutex and notifies it after unlocking: a thread that is woken
// while the notifier holds the mutex would go to sleep again at once. By then the thread may have woken, and may even
// sleep in another queue: that is a spurious wake-up, and every sleep is in a loop.
//
// | atomic     | written by                         | order                                                  |
// |------------|------------------------------------|--------------------------------------------------------|
// | notifiers_ | notifiers: +1 under the queue's    | +1 relaxed: the mutex orders it before the thread's    |
// |            | mutex, -1 after the notification   | remove(); -1 release, pairs with the acquire in the    |
// |            |                                    | destructor, which comes after the notification         |

#include <parallelpipe/detail/sync/primitives.hpp>

#include <cstdint>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Where one thread sleeps. It lives as long as its thread does.
class sleeper {
public:
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;

    /// Wakes the thread. Once after each sleepers::take().
    void wake() {
        wake_.notify_one();
        notifiers_.fetch_sub(1, std::memory_order_release);
    }

private:
    friend class sleepers;

    sleeper() = default;
    ~sleeper() {
        while (notifiers_.load(std::memory_order_acquire) != 0) sync::this_thread::yield();
    }

    static sleeper& of_this_thread() {
        static thread_local sleeper mine;
        return mine;
    }

    sync::condition_variable wake_;
    sync::atomic<unsigned> notifiers_{0};  // how many are about to notify
    // Under the mutex of the queue that the thread sleeps in.
    bool is_asleep_ = false;
    std::uint64_t round_ = 0;
    sleeper* previous_ = nullptr;
    sleeper* next_ = nullptr;
};

/// The threads that sleep under one mutex, in the order in which they came.
/// Threads: everything under that mutex.
class sleepers {
public:
    /// Sleeps once, as one of `round`; `wait(condition_variable&)` unlocks and locks the mutex.
    /// Returns: what `wait` returns. It may wake without a reason.
    template <class Wait>
    decltype(auto) sleep(std::uint64_t round, Wait wait) {
        struct in_queue {
            in_queue(sleepers& to, std::uint64_t round) : queue(to) { queue.add(me, round); }
            ~in_queue() { queue.remove(me); }
            sleepers& queue;
            sleeper& me = sleeper::of_this_thread();
        } const here(*this, round);
        return wait(here.me.wake_);
    }

    /// Takes out the first thread that `is_wanted(round)`; null if there is none. To be woken by wake().
    template <class IsWanted>
    sleeper* take(IsWanted is_wanted) noexcept {
        sleeper* found = first_;
        while (found && !is_wanted(found->round_)) found = found->next_;
        if (!found) return nullptr;
        remove(*found);
        found->notifiers_.fetch_add(1, std::memory_order_relaxed);
        return found;
    }

private:
    void add(sleeper& me, std::uint64_t round) noexcept {
        me.is_asleep_ = true;
        me.round_ = round;
        me.previous_ = std::exchange(last_, &me);
        me.next_ = nullptr;
        (me.previous_ ? me.previous_->next_ : first_) = &me;
    }
    void remove(sleeper& me) noexcept {
        if (!std::exchange(me.is_asleep_, false)) return;
        (me.previous_ ? me.previous_->next_ : first_) = me.next_;
        (me.next_ ? me.next_->previous_ : last_) = me.previous_;
    }

    sleeper* first_ = nullptr;
    sleeper* last_ = nullptr;
};

}  // namespace parallelpipe::detail

#endif
