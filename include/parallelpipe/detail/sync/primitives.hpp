// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_PRIMITIVES_HPP
#define PARALLELPIPE_DETAIL_SYNC_PRIMITIVES_HPP

// The atomics, fences, locks, threads and the clock of the engine. No other header under detail/ takes them from the
// standard library or from the system.
//
// A test build can replace them all: PARALLELPIPE_SYNC_PRIMITIVES names a header, `<...>` or `"..."`, which is included
// instead and declares all that namespace sync declares here. `std::memory_order` and the durations of <chrono> stay
// those of the standard library.

#if defined(PARALLELPIPE_SYNC_PRIMITIVES)
#include PARALLELPIPE_SYNC_PRIMITIVES
#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#if defined(__linux__) && __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#define PARALLELPIPE_HAS_MEMBARRIER 1
#endif

namespace parallelpipe::inline v0::detail::sync {

using std::atomic;
using std::atomic_signal_fence;

using std::condition_variable;
using std::cv_status;
using std::lock_guard;
using std::mutex;
using std::unique_lock;

using std::jthread;
using std::thread;
namespace this_thread = std::this_thread;

using std::stop_callback;
using std::stop_source;
using std::stop_token;

using std::chrono::steady_clock;

#if defined(PARALLELPIPE_HAS_MEMBARRIER)
/// Returns: whether membarrier() works for this process. asymmetric_fence.hpp says what it is for.
inline bool register_membarrier() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}
/// Every running thread of the process passes a full barrier before this returns. Returns: false if the system
/// refuses.
inline bool membarrier() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}
#else
constexpr bool register_membarrier() noexcept { return false; }
constexpr bool membarrier() noexcept { return false; }
#endif

}  // namespace parallelpipe::detail::sync

#endif

#endif
