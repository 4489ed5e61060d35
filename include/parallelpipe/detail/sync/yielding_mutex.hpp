// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_YIELDING_MUTEX_HPP
#define PARALLELPIPE_DETAIL_SYNC_YIELDING_MUTEX_HPP

// A mutex for a few instructions among workers.
//
// Who finds it held pauses, then offers the core, unless other programs want it (the holder may have lost its
// own and be ready to run here), then naps and looks again: nobody wakes it, time does. It never sleeps until
// it is woken, as with std::mutex. There, who unlocks wakes one of the sleepers, whose turn to run may be
// milliseconds away; in the meantime others lock and unlock, and the rest of the sleepers is not woken by
// that: with more workers than cores, one that was interrupted while it held the mutex left whole cores idle
// for a slice.
//
// | atomic   | written by | order                                                                       |
// |----------|------------|-----------------------------------------------------------------------------|
// | is_held_ | any thread | acquire in lock() pairs with the release of the unlock() before             |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>

#include <chrono>

namespace parallelpipe::inline v0::detail {

/// Threads: any. Blocks: lock() does, until it is free; what is done under it should take a microsecond.
class yielding_mutex {
public:
    yielding_mutex() = default;
    yielding_mutex(const yielding_mutex&) = delete;
    yielding_mutex& operator=(const yielding_mutex&) = delete;

    void lock() noexcept {
        for (unsigned looks = 0; !try_lock(); ++looks) wait(looks);
    }
    bool try_lock() noexcept {
        return !is_held_.load(std::memory_order_relaxed) &&
               !is_held_.exchange(true, std::memory_order_acquire);
    }
    void unlock() noexcept { is_held_.store(false, std::memory_order_release); }

private:
    static constexpr unsigned pauses = 8;   // a microsecond at most
    static constexpr unsigned offers = 32;  // behind them; some 10 us where nobody wants the core
    static constexpr std::chrono::microseconds sleep_uninterrupted{50};

    /// Before another look.
    PARALLELPIPE_RARE static void wait(unsigned looks) noexcept {
        if (looks < pauses) {
            for (int i = 0; i < 2; ++i) cpu_pause();
        } else if (looks < pauses + offers && !core_contention::here().avoid_yield()) {
            wait_strategy().yield_core();
        } else {
            sync::this_thread::sleep_for(sleep_uninterrupted);
        }
    }

    sync::atomic<bool> is_held_{false};
};

}  // namespace parallelpipe::detail

#endif
