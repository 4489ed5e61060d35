// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_CORE_CONTENTION_HPP
#define PARALLELPIPE_DETAIL_SYNC_CORE_CONTENTION_HPP

// Which thread gets a core that a worker yields: another worker, or another program?
//
// | atomic                               | written by                            | read by          |
// |--------------------------------------|---------------------------------------|------------------|
// | worked_, left_, worked_when_left_,   | the worker that is on that core; also | the worker that  |
// | avoid_until_, short_yields_, losses_ | one that has just been moved away     | is on that core  |
// | workers_                             | each worker, as it begins and ends    | any thread       |
//
// All relaxed: hints and a number, which order nothing else.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sched.h>
#endif

namespace parallelpipe::inline v0::detail {

/// What this process knows of its use of a core: how often a worker was seen at work there, when a worker last
/// yielded it or went to sleep there, and whether to yield it at all.
///
/// Threads: any. Two threads on one core write it in turn; a thread that was moved to another core between here()
///   and its store writes what is no longer true. Where the system does not say on which core a thread is, all
///   cores are one: then a worker of this process is nearly always at work.
class alignas(cache_line) core_contention {
public:
    using clock = sync::steady_clock;

    /// That of the core on which the calling thread is now.
    static core_contention& here() noexcept {
#if defined(__linux__)
        return cores_[static_cast<std::size_t>(sched_getcpu()) % cores_.size()];
#else
        return cores_[0];
#endif
    }

    /// A worker is at work. Cost: two or three nanoseconds, with here().
    void work() noexcept {
        worked_.store(worked_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    /// A worker yields the core, or goes to sleep.
    void leave(clock::time_point now) noexcept {
        left_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
        worked_when_left_.store(worked_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }

    /// For how long no worker has been here; 0 if one works since the last one left.
    clock::duration used_by_others(clock::time_point now) const noexcept {
        if (worked_.load(std::memory_order_relaxed) != worked_when_left_.load(std::memory_order_relaxed))
            return {};
        return now.time_since_epoch() - clock::duration(left_.load(std::memory_order_relaxed));
    }

    /// The core was yielded, and was back soon.
    void yield_was_short() noexcept {
        short_yields_.store(short_yields_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    /// The core was yielded, and another program had it for `lost`, which was too long: workers keep it for a while.
    /// The system does not say which program that was. One that computes takes the core at nearly every yield: then
    /// the workers keep it for so long that little is lost again. If yields were short before, it was a passing
    /// event, of the system or of the host of a virtual machine; and to keep a core that workers could share costs
    /// more than that.
    void yield_was_long(clock::time_point now, clock::duration lost) noexcept {
        const bool again = short_yields_.load(std::memory_order_relaxed) < many;
        const unsigned before = again ? losses_.load(std::memory_order_relaxed) : 0;
        constexpr std::array times{2, 16, 64};
        const clock::time_point end = now + times[before] * lost;
        avoid_until_.store(end.time_since_epoch().count(), std::memory_order_relaxed);
        losses_.store(before + 1 < times.size() ? before + 1 : before, std::memory_order_relaxed);
        short_yields_.store(0, std::memory_order_relaxed);
    }
    bool avoid_yield() noexcept {
        const clock::rep end = avoid_until_.load(std::memory_order_relaxed);
        if (end == 0) [[likely]]
            return false;
        if (clock::now().time_since_epoch().count() < end) return true;
        avoid_until_.store(0, std::memory_order_relaxed);
        return false;
    }

    /// In the thread of each worker as long as it runs.
    class presence {
    public:
        presence() noexcept { workers_.fetch_add(1, std::memory_order_relaxed); }
        ~presence() { workers_.fetch_sub(1, std::memory_order_relaxed); }
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
    };
    /// Whether there are more workers than cores; the thread that takes the results counts as one.
    static bool is_crowded() noexcept {
        static const unsigned cores = sync::thread::hardware_concurrency();
        return workers_.load(std::memory_order_relaxed) + 1 > cores;
    }

private:
    static constexpr std::uint32_t many = 64;  // short yields: a program that wants the core lets fewer pass

    // Visible: workers of all libraries compete for the cores of the process, and count.
    PARALLELPIPE_VISIBLE static std::array<core_contention, 64> cores_;
    PARALLELPIPE_VISIBLE static inline constinit sync::atomic<unsigned> workers_{0};  // of all runs

    sync::atomic<std::uint32_t> worked_{0};
    sync::atomic<std::uint32_t> worked_when_left_{0};
    sync::atomic<clock::rep> left_{0};
    sync::atomic<clock::rep> avoid_until_{0};
    sync::atomic<std::uint32_t> short_yields_{0};  // since the last long one
    sync::atomic<unsigned> losses_{0};              // long yields in a row, up to 2
};

inline constinit std::array<core_contention, 64> core_contention::cores_{};

}  // namespace parallelpipe::detail

#endif
