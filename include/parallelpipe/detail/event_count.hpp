#ifndef PARALLELPIPE_DETAIL_EVENT_COUNT_HPP
#define PARALLELPIPE_DETAIL_EVENT_COUNT_HPP

// Sleeping until a condition may have become true, where making it true costs the other side one
// relaxed load as long as nobody sleeps.
//
//   waiter                                  notifier
//   if (condition()) return                 make the condition true
//   key = events.prepare()                  events.notify_one()
//   if (condition()) { events.cancel(key); return }
//   events.wait(key)
//   begin again
//
// No wake-up is lost: prepare() announces the waiter, then makes every thread pass a barrier (see
// asymmetric_barrier.hpp). A notifier whose change came before that barrier is seen by the second
// look at the condition; one whose change came after it sees the announcement and signals. Without
// asymmetric barriers both sides do a read-modify-write of waiting_: whichever is second in its
// modification order reads from the first (release/acquire), so it sees all that the first did before.
//
// Every thread between prepare() and the end of wait() or cancel() is counted exactly once, in
// waiting_ (not yet signalled) or in signals_ (signalled, not yet left). So a signal is never kept
// when nobody waits, and N notifications free min(N, waiters) of them. Which of them is open: a thread
// that comes later may take the signal of one that is still waking. Where only some waiters can use
// what has changed, notify_all() it is: it begins a new round, frees everybody of the old one, and
// counts them no more; nobody of the new round can take that from them.
//
// | atomic   | written by                       | order                                            |
// |----------|----------------------------------|--------------------------------------------------|
// | waiting_ | any thread, under mutex_         | +1 in prepare: acq_rel, pairs with the look in   |
// |          |                                  | notify_one (the barrier, or its acq_rel RMW)     |

#include <parallelpipe/detail/asymmetric_barrier.hpp>
#include <parallelpipe/detail/config.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace parallelpipe::detail {

class event_count {
public:
    event_count() noexcept
        : asymmetric_(asymmetric_barriers()),
          nobody_(asymmetric_ ? 0 : look_closer),
          waiting_(nobody_) {}
    event_count(const event_count&) = delete;
    event_count& operator=(const event_count&) = delete;

    /// Identifies a wait.
    using key = std::uint64_t;

    /// Announces the calling thread as a waiter. To be followed by a look at the condition and then
    /// by exactly one of cancel(), wait(), wait_until(), with the key.
    key prepare() {
        key round = 0;
        {
            const std::lock_guard lock(mutex_);
            waiting_.fetch_add(1, std::memory_order_acq_rel);
            round = round_;
        }
        if (asymmetric_) every_thread_passes_a_barrier();
        return round;
    }

    /// The condition holds already: takes the announcement back.
    void cancel(key round) {
        const std::lock_guard lock(mutex_);
        leave(round);
    }

    /// Blocks until a notification that came after prepare().
    void wait(key round) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return is_signalled(round); });
        if (round == round_) --signals_;
    }

    /// The same with an end; returns whether it was notified.
    template <class Clock, class Duration>
    bool wait_until(key round, std::chrono::time_point<Clock, Duration> deadline) {
        std::unique_lock lock(mutex_);
        const bool notified =
            wake_.wait_until(lock, deadline, [&] { return is_signalled(round); });
        if (!notified)
            leave(round);
        else if (round == round_)
            --signals_;
        return notified;
    }

    /// Whether somebody waited a moment ago. Enough for a thread whose change to the condition came
    /// before; see the argument above.
    PARALLELPIPE_INLINE bool has_waiters() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (waiting_.load(std::memory_order_relaxed) == 0) [[likely]]
            return false;
        return asymmetric_ || waiting_.fetch_add(0, std::memory_order_acq_rel) != nobody_;
    }

    /// Wakes one waiter, if there is one. Never blocks for longer than another thread's few
    /// instructions under the mutex.
    PARALLELPIPE_INLINE void notify_one() {
        if (has_waiters()) [[unlikely]]
            signal_one();
    }

    /// Wakes everybody who waits. Looks under the mutex, so it needs no barrier: a prepare() that
    /// takes the mutex later sees all that this thread did before.
    void notify_all() {
        {
            const std::lock_guard lock(mutex_);
            ++round_;
            signals_ = 0;
            waiting_.exchange(nobody_, std::memory_order_acq_rel);
        }
        wake_.notify_all();
    }

private:
    PARALLELPIPE_RARE void signal_one() {
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.load(std::memory_order_relaxed) == nobody_) return;
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            ++signals_;
        }
        wake_.notify_one();
    }

    /// Under mutex_.
    bool is_signalled(key round) const noexcept { return round != round_ || signals_ != 0; }

    /// Under mutex_: the calling thread stops being counted. If no waiter is left unsignalled, one
    /// of the signals was its own.
    void leave(key round) {
        if (round != round_) return;
        if (waiting_.load(std::memory_order_relaxed) != nobody_)
            waiting_.fetch_sub(1, std::memory_order_relaxed);
        else
            --signals_;
    }

    /// Without asymmetric barriers there is always somebody to be seen, so that one look is all that a
    /// notification costs with them.
    static constexpr std::uint32_t look_closer = 1U << 31U;

    const bool asymmetric_;
    const std::uint32_t nobody_;
    std::atomic<std::uint32_t> waiting_;  // nobody_ and the number of those who wait
    std::uint32_t signals_ = 0;           // under mutex_
    key round_ = 0;                       // under mutex_
    std::mutex mutex_;
    std::condition_variable wake_;
};

}  // namespace parallelpipe::detail

#endif
