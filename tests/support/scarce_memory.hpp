#ifndef PARALLELPIPE_TESTS_SCARCE_MEMORY_HPP
#define PARALLELPIPE_TESTS_SCARCE_MEMORY_HPP

namespace support {

/// While it lives, all threads' allocations are counted, from 0, and `count` of them fail from the one with the
/// number `first` on. One at a time.
class ScarceMemory {
public:
    explicit ScarceMemory(long first, long count = 1);
    ScarceMemory(const ScarceMemory&) = delete;
    ScarceMemory& operator=(const ScarceMemory&) = delete;
    ~ScarceMemory();

    /// Whether an allocation failed.
    bool reached() const;
};

/// Which of a thread's allocations: over-aligned are, of what a worker makes while it works, the stretches of
/// its order alone.
enum class Memory { any, over_aligned };

/// `count` of the calling thread's next allocations fail, behind `before` more that do not.
void lose_next(Memory which, int count = 1, int before = 0);
/// How many have failed so since the last call, in any thread.
int lost_so_far();

}  // namespace support

#endif
