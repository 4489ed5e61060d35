// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_YIELDING_MUTEX_HPP
#define PARALLELPIPE_DETAIL_SYNC_YIELDING_MUTEX_HPP

// A mutex for a few instructions among workers.
//
// A thread that finds the mutex locked spins, then yields the core, unless other programs want it (the holder may have
// lost its own core and be ready to run here), then sleeps for a moment and looks again: unlock() wakes no thread.
// With std::mutex, unlock() wakes one of the sleepers, whose turn to run may be milliseconds away; meanwhile other
// threads lock and unlock, which does not wake the rest of the sleepers: with more workers than cores, one that
// was interrupted while it held the mutex left whole cores idle for a time slice.
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

/// Threads: any.
/// Blocks: lock(), until the mutex is free; hold it for about a microsecond at most.
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
    static constexpr unsigned yields = 32;  // after these; some 10 us where no other thread wants the core
    static constexpr std::chrono::microseconds sleep{50};

    /// Number `looks` of the waits between two looks.
    PARALLELPIPE_RARE static void wait(unsigned looks) noexcept {
        if (looks < pauses) {
            for (int i = 0; i < 2; ++i) cpu_pause();
        } else if (looks < pauses + yields && !core_contention::here().avoid_yield()) {
            wait_strategy().yield_core();
        } else {
            sync::this_thread::sleep_for(sleep);
        }
    }

    sync::atomic<bool> is_held_{false};
};

}  // namespace parallelpipe::detail

#endif
