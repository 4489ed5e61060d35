#ifndef PARALLELPIPE_TESTS_SCARCE_MEMORY_HPP
#define PARALLELPIPE_TESTS_SCARCE_MEMORY_HPP

namespace support {

/// While an object of this class lives, allocations of all threads are numbered from 0, and `count` of them fail,
/// starting with the number `first`. Only one object may live at a time.
class ScarceMemory {
public:
    explicit ScarceMemory(long first, long count = 1);
    ScarceMemory(const ScarceMemory&) = delete;
    ScarceMemory& operator=(const ScarceMemory&) = delete;
    ~ScarceMemory();

    /// Whether an allocation failed.
    bool reached() const;
};

/// The kind of allocation that fails. Of the allocations of a running worker, only the segments of its order are
/// over-aligned.
enum class Memory { any, over_aligned };

/// Lets `count` allocations of the calling thread fail, after `before` that succeed.
void lose_next(Memory which, int count = 1, int before = 0);
/// Returns: the number of allocations of all threads that lose_next() made fail since the last call.
int lost_so_far();

}  // namespace support

#endif
