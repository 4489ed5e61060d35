// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_COUNTERS_HPP
#define PARALLELPIPE_DETAIL_WORKER_COUNTERS_HPP

// What every run counts: a few stores per bulk of items and per wait, none per item.
//
// | atomic       | written by                               | order                                         |
// |--------------|------------------------------------------|-----------------------------------------------|
// | pushes_to    | the worker                               | release / acquire: carries the lane           |
// | ended        | the worker, after cpu and ready          | release / acquire: carries their final values |
// | in           | the worker, and siblings that take items | relaxed: a number                             |
// |              | over and subtract them                   |                                               |
// | cpu_before,  | any thread that asks the system          | relaxed: the last write wins, and any is      |
// | ready_before |                                          | right                                         |
// | all others   | the worker                               | relaxed: numbers                              |
//
// Any thread reads them at any time. A thread that needs the final numbers joins the worker first.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>

#include <chrono>
#include <cstdint>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#endif

namespace parallelpipe::inline v0::detail {

struct lane;

/// Time on a core, and time ready to run while other threads had the cores. Units: nanoseconds; 0: unknown.
struct core_time {
    std::int64_t cpu = 0;
    std::int64_t ready = 0;
};

/// The number that Linux gives the calling thread; 0 elsewhere.
inline std::int64_t this_thread_number() noexcept {
#if defined(__linux__)
    return ::syscall(SYS_gettid);
#else
    return 0;
#endif
}

/// What Linux has counted for a thread of this process. The `cpu` of a running thread lags some milliseconds.
/// Cost: some microseconds, to open, read and close a file of /proc.
inline core_time core_time_of([[maybe_unused]] std::int64_t thread) noexcept {
    core_time time;
#if defined(__linux__)
    char text[96];
    const long long number = thread;
    std::snprintf(text, sizeof text, "/proc/self/task/%lld/schedstat", number);
    const int file = ::open(text, O_RDONLY | O_CLOEXEC);
    if (file < 0) return time;
    const auto length = ::read(file, text, sizeof text - 1);
    ::close(file);
    if (length <= 0) return time;
    text[length] = '\0';
    long long cpu = 0, ready = 0;
    if (std::sscanf(text, "%lld %lld", &cpu, &ready) == 2) time = {cpu, ready};
#endif
    return time;
}

/// What a worker has done, or the consumer. Units: nanoseconds of the steady clock.
struct alignas(cache_line) worker_counters {
    sync::atomic<std::uint64_t> in{0};
    sync::atomic<std::uint64_t> out{0};               // results pushed elsewhere than into its own lane
    sync::atomic<const lane*> pushes_to{nullptr};     // its own lane, which counts its items
    sync::atomic<std::int64_t> waited_for_input{0};   // waits that have ended
    sync::atomic<std::int64_t> waited_for_room{0};
    sync::atomic<std::int64_t> input_since{0};        // when the present wait began; 0: there is none
    sync::atomic<std::int64_t> room_since{0};
    sync::atomic<std::int64_t> began{0};
    sync::atomic<std::int64_t> ended{0};
    sync::atomic<std::int64_t> cpu{0};                // at its end
    sync::atomic<std::int64_t> ready{0};              // at its end
    sync::atomic<std::int64_t> thread{0};             // this_thread_number() of the worker
    sync::atomic<std::int64_t> cpu_before{0};         // when last asked, before the end
    sync::atomic<std::int64_t> ready_before{0};
    owning_ptr<wait_history> spans;  // keeps its waits; null: they are not kept. Set before its thread starts

    static std::int64_t now() noexcept {
        const std::chrono::nanoseconds now = sync::steady_clock::now().time_since_epoch();
        return now.count();
    }

    /// The processor time of the calling thread; 0: unknown.
    static std::int64_t cpu_of_this_thread() noexcept {
#if defined(__linux__)
        timespec spent{};
        if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) == 0)
            return std::int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
#endif
        return 0;
    }
};

/// What the thread of `of` has spent so far: asked of the system, or as the last call that asked found it.
inline core_time spent_so_far(worker_counters& of, bool anew) noexcept {
    const std::int64_t thread = of.thread.load(std::memory_order_relaxed);
    if (anew && thread != 0) {
        const core_time now = core_time_of(thread);
        // Looked at after the system was asked: another thread may have the number of one that has ended.
        if (of.ended.load(std::memory_order_acquire) == 0) {
            of.cpu_before.store(now.cpu, std::memory_order_relaxed);
            of.ready_before.store(now.ready, std::memory_order_relaxed);
        }
    }
    return {of.cpu_before.load(std::memory_order_relaxed),
            of.ready_before.load(std::memory_order_relaxed)};
}

/// Times a wait from begin(), if begin() is called, to the end of the scope.
class wait_timer {
    struct kind {
        sync::atomic<std::int64_t> worker_counters::* since;
        sync::atomic<std::int64_t> worker_counters::* sum;
        wait_ring wait_history::* ring;
    };
    static constexpr kind input{&worker_counters::input_since, &worker_counters::waited_for_input,
                                &wait_history::for_input};
    static constexpr kind room{&worker_counters::room_since, &worker_counters::waited_for_room,
                               &wait_history::for_room};

public:
    static wait_timer for_input(worker_counters* of) noexcept { return {of, input}; }
    static wait_timer for_room(worker_counters* of) noexcept { return {of, room}; }
    wait_timer(const wait_timer&) = delete;
    wait_timer& operator=(const wait_timer&) = delete;
    ~wait_timer() {
        if (began_ != 0) end();
    }

    void begin() noexcept {
        if (!of_ || began_ != 0) return;
        began_ = worker_counters::now();
        (of_->*kind_.since).store(began_, std::memory_order_relaxed);
    }

private:
    wait_timer(worker_counters* of, const kind& what) noexcept : of_(of), kind_(what) {}

    void end() noexcept {
        const std::int64_t now = worker_counters::now();
        auto& sum = of_->*kind_.sum;
        sum.store(sum.load(std::memory_order_relaxed) + now - began_, std::memory_order_relaxed);
        (of_->*kind_.since).store(0, std::memory_order_relaxed);
        if (of_->spans) [[unlikely]]
            ((*of_->spans).*kind_.ring).add({began_, now});
    }

    worker_counters* const of_;
    const kind& kind_;
    std::int64_t began_ = 0;
};

}  // namespace parallelpipe::detail

#endif
