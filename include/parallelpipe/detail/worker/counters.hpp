// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_COUNTERS_HPP
#define PARALLELPIPE_DETAIL_WORKER_COUNTERS_HPP

// What a run counts all the time: a few stores for each bulk of items and for each wait, none for an
// item that is handed on.
//
// Every number has one writer, the thread that the meter belongs to, but for `in`, from which thieves
// subtract what they fetch. Anybody reads at any time. All relaxed: the numbers order nothing; who wants
// the final ones joins the threads first. (`cpu_before` and `ready_before` are written by whoever asks:
// who comes last is right.) Only `pushes_to` is written with release and read with acquire:
// it leads to the lane. And `ended` is, behind `cpu` and `ready`: who sees it sees their final values.

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

/// Time on a core, and time ready to run while other threads had the cores. Nanoseconds; 0 is unknown.
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

/// What Linux knows of a thread of this process. Its `cpu` is as old as the scheduler's last look at a
/// thread that runs, some milliseconds.
/// Cost: some microseconds: it opens, reads and closes a file of /proc.
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

/// What a worker has done, or the thread that takes the results. Times in nanoseconds of the steady clock.
struct alignas(cache_line) worker_counters {
    sync::atomic<std::uint64_t> in{0};
    sync::atomic<std::uint64_t> out{0};               // results that are not in a lane of its own
    sync::atomic<const lane*> pushes_to{nullptr};     // its own lane: what is there it has pushed
    sync::atomic<std::int64_t> waited_for_input{0};   // waits that have ended
    sync::atomic<std::int64_t> waited_for_room{0};
    sync::atomic<std::int64_t> input_since{0};        // the wait of this moment; 0: none
    sync::atomic<std::int64_t> room_since{0};
    sync::atomic<std::int64_t> began{0};
    sync::atomic<std::int64_t> ended{0};
    sync::atomic<std::int64_t> cpu{0};                // at its end
    sync::atomic<std::int64_t> ready{0};              // at its end
    sync::atomic<std::int64_t> thread{0};             // this_thread_number() of the worker
    sync::atomic<std::int64_t> cpu_before{0};         // as who asked last found it, before the end
    sync::atomic<std::int64_t> ready_before{0};
    owning_ptr<wait_history> spans;  // where its waits go; set before its thread starts, null: nowhere

    static std::int64_t now() noexcept {
        const std::chrono::nanoseconds now = sync::steady_clock::now().time_since_epoch();
        return now.count();
    }

    /// The processor time of the calling thread; 0 where it is not known.
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

/// Times a wait from begin(), if that is called, to the end of the scope.
class wait_timer {
    struct kind {
        sync::atomic<std::int64_t> worker_counters::* since;
        sync::atomic<std::int64_t> worker_counters::* sum;
        wait_ring wait_history::* ring;
    };
    static constexpr kind input{&worker_counters::input_since, &worker_counters::waited_for_input, &wait_history::for_input};
    static constexpr kind room{&worker_counters::room_since, &worker_counters::waited_for_room, &wait_history::for_room};

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
