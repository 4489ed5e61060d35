#ifndef PARALLELPIPE_STATISTICS_HPP
#define PARALLELPIPE_STATISTICS_HPP

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

namespace parallelpipe {

/// What happened to the items of one stage so far. Only stages that call a function for each item (the
/// per-item verbs) count; elsewhere nobody knows which item failed, and the numbers stay 0.
struct StageStatistics {
    std::string name;
    std::size_t workers = 0;
    /// Items that failed and were dropped or handed to a dead-letter handler.
    std::size_t skipped = 0;
    /// Attempts behind the first, of items that failed before.
    std::size_t retried = 0;
    /// Items whose last attempt threw, whatever became of them then.
    std::size_t failed = 0;
};

/// A snapshot of a run: one entry a stage, in order, the range on the left included.
struct Statistics {
    std::vector<StageStatistics> stages;
};

namespace detail {

/// Counted where an item fails, by the workers of one stage; read by anybody at any time. Relaxed:
/// the numbers order nothing.
struct item_counters {
    std::atomic<std::size_t> skipped{0};
    std::atomic<std::size_t> retried{0};
    std::atomic<std::size_t> failed{0};
};

inline StageStatistics statistics_of(const std::string& name, std::size_t workers,
                                     const item_counters& counters) {
    return {.name = name,
            .workers = workers,
            .skipped = counters.skipped.load(std::memory_order_relaxed),
            .retried = counters.retried.load(std::memory_order_relaxed),
            .failed = counters.failed.load(std::memory_order_relaxed)};
}

}  // namespace detail

}  // namespace parallelpipe

#endif
