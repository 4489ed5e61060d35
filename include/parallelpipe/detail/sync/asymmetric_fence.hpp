// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_ASYMMETRIC_FENCE_HPP
#define PARALLELPIPE_DETAIL_SYNC_ASYMMETRIC_FENCE_HPP

// A store-load barrier that costs one side nothing, because the other side pays for both.
//
//   frequent side                          rare side (about to sleep)
//   publish(x)                             announce(y)
//   [compiler barrier]                     fence_every_thread()
//   look at y                              look at x
//
// The system call makes every running thread of the process execute a full barrier at some moment
// between its start and its return. If the frequent side's publish came before that moment, the rare
// side sees x. If it came after, so did its look at y, which then sees the announcement. So at least
// one of the two sees the other. Source: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED.
//
// Where there is no membarrier, asymmetric_fences() is false and both sides must meet in a
// read-modify-write of the same atomic instead. A sandbox that the process enters later may refuse the call from
// then on: asymmetric_fences() is false from that moment, for objects that are made then. An object that was made
// before sees fence_every_thread() return false, and must not rely on that barrier.
//
// | atomic           | written by                      | order                                           |
// |------------------|---------------------------------|-------------------------------------------------|
// | fence_is_refused | a thread that is refused        | relaxed: it carries nothing else; a thread that |
// |                  |                                 | reads the old value is refused in its turn      |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

namespace parallelpipe::inline v0::detail {

/// Visible: code of one library finds the fence refused, and code of another one must then not rely on that fence.
PARALLELPIPE_VISIBLE inline sync::atomic<bool> fence_is_refused{false};

/// Whether this process has the barrier. The same for all threads; true may become false, once.
inline bool asymmetric_fences() noexcept {
    static const bool available = sync::register_membarrier();
    return available && !fence_is_refused.load(std::memory_order_relaxed);
}

/// Every running thread of the process passes a full barrier. Returns: false where there is no barrier, or none any
/// more.
inline bool fence_every_thread() noexcept {
    // A child after fork() has lost the registration.
    if (sync::membarrier() || (sync::register_membarrier() && sync::membarrier())) return true;
    fence_is_refused.store(true, std::memory_order_relaxed);
    return false;
}

}  // namespace parallelpipe::detail

#endif
