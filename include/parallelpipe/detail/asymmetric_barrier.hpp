#ifndef PARALLELPIPE_DETAIL_ASYMMETRIC_BARRIER_HPP
#define PARALLELPIPE_DETAIL_ASYMMETRIC_BARRIER_HPP

// A store-load barrier that one side gets for nothing because the other side pays for both.
//
//   frequent side                          rare side (about to sleep)
//   publish(x)                             announce(y)
//   [compiler barrier]                     every_thread_passes_a_barrier()
//   look at y                              look at x
//
// The system call makes every running thread of the process execute a full barrier at some moment
// between its start and its return. If the frequent side's publish came before that moment, the rare
// side sees x. If it came after, so did its look at y, which then sees the announcement. So at least
// one of the two sees the other. Source: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED.
//
// Where there is no membarrier, asymmetric_barriers() is false and both sides must meet in a
// read-modify-write of the same atomic instead.

#if defined(__linux__) && __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#define PARALLELPIPE_HAS_MEMBARRIER 1
#else
#define PARALLELPIPE_HAS_MEMBARRIER 0
#endif

namespace parallelpipe::detail {

#if PARALLELPIPE_HAS_MEMBARRIER

inline bool register_membarrier() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/// Whether this process can use the cheap side. Decided once; the same for all threads for ever.
inline bool asymmetric_barriers() noexcept {
    static const bool available = register_membarrier();
    return available;
}

inline void every_thread_passes_a_barrier() noexcept {
    // Only a child after fork() can have lost the registration.
    while (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        register_membarrier();
}

#else

inline constexpr bool asymmetric_barriers() noexcept { return false; }
inline void every_thread_passes_a_barrier() noexcept {}

#endif

}  // namespace parallelpipe::detail

#endif
