// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_EVENT_COUNT_HPP
#define PARALLELPIPE_DETAIL_SYNC_EVENT_COUNT_HPP

// Sleeping until a condition may have become true. Making it true costs the other side one relaxed load as
// long as no thread sleeps.
//
//   waiter                                  notifier
//   if (condition()) return                 make the condition true
//   key = events.prepare()                  events.notify_one()
//   if (condition()) { events.cancel(key); return }
//   events.wait(key)
//   begin again
//
// No wake-up is lost: prepare() announces the waiter, then makes every thread pass a barrier (see
// asymmetric_fence.hpp). A notifier whose change came before that barrier is seen by the second
// look at the condition; one whose change came after it sees the announcement and signals.
//
// That barrier interrupts the other cores: cheap for a wait now and then, but not if each event is waited for.
// A waiter that expects so calls prepare(for_long), which asks the notifiers to look closer: by a flag in
// waiting_, which all of them have seen once that thread's barrier is over (is_seen_). While the flag is there,
// both sides do a read-modify-write of waiting_, and no further barrier is needed: the second one in the
// modification order reads from the first (release/acquire), so it sees all that the first did before. Every
// value of waiting_ that a notifier can find has the flag, or counts all that wait; so the flag can be taken
// back at any time. Without asymmetric barriers the flag is always there.
//
// The system may refuse the barrier one day, although it allowed it before (asymmetric_fence.hpp). Then a
// notifier may not see a waiter that has just announced itself; so each wait that begins after that is short,
// and its thread looks at the condition again. An event_count that is made after that needs no barriers.
//
// Every thread between prepare() and the end of wait() or cancel() is counted exactly once, in
// waiting_ (not yet signalled) or in signals_ (signalled, not yet left). So no signal is kept when no thread
// waits, and N notifications free min(N, waiters) threads. It is open which: a thread that comes later may
// take the signal of a thread that is still waking. Where only some waiters can use what has changed, call
// notify_all(): it begins a new round, frees all threads of the old one, and counts them no more; no thread
// of the new round can take a signal from them.
//
// | atomic   | written by               | order                                                          |
// |----------|--------------------------|----------------------------------------------------------------|
// | waiting_ | any thread, under mutex_ | +1 in prepare(): acq_rel, pairs with the look of notify_one(): |
// |          |                          | the barrier, or its acq_rel read-modify-write; the flags: the  |
// |          |                          | same                                                           |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/asymmetric_fence.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/sleepers.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

namespace parallelpipe::inline v0::detail {

class event_count {
public:
    event_count() noexcept
        : asymmetric_(asymmetric_fences()),
          waiting_(asymmetric_ ? 0 : look_closer),
          is_seen_(!asymmetric_) {}
    event_count(const event_count&) = delete;
    event_count& operator=(const event_count&) = delete;

    /// Identifies a wait: its round.
    using key = std::uint64_t;

    /// Announces the calling thread as a waiter. Look at the condition next, then call exactly one of cancel(),
    /// wait() and wait_until() with the key. `for_long`: each event is probably waited for; notifications then
    /// cost a read-modify-write, and waits no barrier.
    key prepare(bool for_long = false) {
        sync::unique_lock lock(mutex_);
        const key round = round_;
        if (!for_long) withdraw_flag();
        const bool asks = for_long && (waiting_.load(std::memory_order_relaxed) & look_closer) == 0;
        waiting_.fetch_add(asks ? 1 + look_closer : 1, std::memory_order_acq_rel);
        if (is_seen_) return round;
        lock.unlock();
        const bool passed = fence_every_thread();
        if (asks && passed) {
            lock.lock();
            is_seen_ = true;
        }
        return round;
    }

    /// Events come close to each other now: makes notifications cheap again, until the next prepare(for_long).
    /// Cost: one relaxed load if they are cheap.
    void come_often() {
        if (!asymmetric_ || waiting_.load(std::memory_order_relaxed) < look_closer) [[likely]]
            return;
        const sync::lock_guard lock(mutex_);
        withdraw_flag();
    }

    /// The condition holds already: takes the announcement back.
    void cancel(key round) {
        const sync::lock_guard lock(mutex_);
        leave(round);
    }

    /// Blocks until a notification that came after prepare(). Once the system refuses barriers, it also returns
    /// without one, after a moment.
    void wait(key round) {
        if (asymmetric_ && !asymmetric_fences()) [[unlikely]] {
            wait_until(round, sync::steady_clock::now() + std::chrono::milliseconds(10));
            return;
        }
        sync::unique_lock lock(mutex_);
        while (!is_signalled(round))
            sleepers_.sleep(round, [&](sync::condition_variable& wake) { wake.wait(lock); });
        if (round == round_) --signals_;
    }

    /// A wait in a scope: prepare() at its start; cancel() at its end, unless wait() was called.
    class announcement {
    public:
        announcement(event_count& to, bool for_long) : to_(to), key_(to.prepare(for_long)) {}
        ~announcement() {
            if (!has_waited_) to_.cancel(key_);
        }
        announcement(const announcement&) = delete;
        announcement& operator=(const announcement&) = delete;

        void wait() {
            has_waited_ = true;
            to_.wait(key_);
        }

    private:
        event_count& to_;
        const key key_;
        bool has_waited_ = false;
    };

    /// The same, until `deadline` at the latest. Returns: whether the thread was notified.
    template <class Clock, class Duration>
    bool wait_until(key round, std::chrono::time_point<Clock, Duration> deadline) {
        sync::unique_lock lock(mutex_);
        auto status = sync::cv_status::no_timeout;
        while (!is_signalled(round) && status == sync::cv_status::no_timeout)
            status = sleepers_.sleep(
                round, [&](sync::condition_variable& wake) { return wake.wait_until(lock, deadline); });
        const bool notified = is_signalled(round);
        if (!notified)
            leave(round);
        else if (round == round_)
            --signals_;
        return notified;
    }

    /// No thread will wait any more: notify_one() returns false from now on. As with prepare(), the caller sees each
    /// change that a notifier made before this; a notifier that makes its change later gets false.
    void retire() {
        {
            const sync::lock_guard lock(mutex_);
            waiting_.fetch_or(retired, std::memory_order_acq_rel);
        }
        if (asymmetric_) fence_every_thread();
    }

    /// Whether a thread waited a moment ago, or all have retired. The answer is good enough for a thread that has
    /// changed the condition before it asks; see the argument above.
    PARALLELPIPE_INLINE bool has_waiters() noexcept {
        sync::atomic_signal_fence(std::memory_order_seq_cst);
        const std::uint32_t seen = waiting_.load(std::memory_order_relaxed);
        if (seen == 0) [[likely]]
            return false;
        return seen < look_closer ||
               (waiting_.fetch_add(0, std::memory_order_acq_rel) & ~look_closer) != 0;
    }

    /// Wakes one waiter, if there is one. Never blocks for longer than another thread's few
    /// instructions under the mutex.
    /// Returns: false if the waiters have retired.
    PARALLELPIPE_INLINE bool notify_one() {
        if (!has_waiters()) [[likely]]
            return true;
        return signal_one();
    }

    /// Wakes all that wait. Looks under the mutex, so it needs no barrier: a prepare() that
    /// takes the mutex later sees all that this thread did before.
    void notify_all() {
        sync::unique_lock lock(mutex_);
        const key now = ++round_;
        signals_ = 0;
        waiting_.fetch_and(look_closer | retired, std::memory_order_acq_rel);
        const auto is_before = [now](key round) { return round < now; };
        sleeper* some[16];
        for (;;) {
            std::size_t count = 0;
            while (count < std::size(some) && (some[count] = sleepers_.take(is_before))) ++count;
            if (count == 0) return;
            lock.unlock();
            for (std::size_t i = 0; i < count; ++i) some[i]->wake();
            lock.lock();
        }
    }

private:
    PARALLELPIPE_RARE bool signal_one() {
        sleeper* woken = nullptr;
        {
            const sync::lock_guard lock(mutex_);
            const std::uint32_t waiting = waiting_.load(std::memory_order_relaxed);
            if ((waiting & retired) != 0) return false;
            if (waiters(waiting) == 0) return true;
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            ++signals_;
            woken = sleepers_.take([this](key round) { return round == round_; });
        }
        if (woken) woken->wake();
        return true;
    }

    /// Under mutex_.
    bool is_signalled(key round) const noexcept { return round != round_ || signals_ != 0; }

    /// Under mutex_: the calling thread stops being counted. If no waiter is left unsignalled, one
    /// of the signals was its own.
    void leave(key round) {
        if (round != round_) return;
        if (waiters(waiting_.load(std::memory_order_relaxed)) != 0)
            waiting_.fetch_sub(1, std::memory_order_relaxed);
        else
            --signals_;
    }

    /// Under mutex_: takes the flag back, unless a waiter relies on it while it is on its way to the notifiers.
    void withdraw_flag() {
        if (asymmetric_ && std::exchange(is_seen_, false))
            waiting_.fetch_sub(look_closer, std::memory_order_acq_rel);
    }

    static constexpr std::uint32_t look_closer = 1U << 31U;
    static constexpr std::uint32_t retired = 1U << 30U;
    static constexpr std::uint32_t waiters(std::uint32_t waiting) noexcept {
        return waiting & ~(look_closer | retired);
    }

    const bool asymmetric_;
    sync::atomic<std::uint32_t> waiting_;  // how many wait, and the two flags
    bool is_seen_;                        // under mutex_: every notifier sees the flag
    std::uint32_t signals_ = 0;           // under mutex_
    key round_ = 0;                       // under mutex_
    sync::mutex mutex_;
    sleepers sleepers_;  // under mutex_
};

}  // namespace parallelpipe::detail

#endif
