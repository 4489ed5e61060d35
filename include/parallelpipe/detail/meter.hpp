#ifndef PARALLELPIPE_DETAIL_METER_HPP
#define PARALLELPIPE_DETAIL_METER_HPP

// What a run counts all the time: a few stores for each bulk of items and for each wait, none for an
// item that is handed on.
//
// Every number has one writer, the thread that the meter belongs to, but for `in`, from which thieves
// subtract what they fetch. Anybody reads at any time. All relaxed: the numbers order nothing; who wants
// the final ones joins the threads first. Only `pushes_to` is written with release and read with acquire:
// it leads to the lane.

#include <parallelpipe/detail/config.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__linux__)
#include <time.h>
#endif

namespace parallelpipe::detail {

struct lane;

/// What a worker has done, or the thread that takes the results. Times in nanoseconds of the steady clock.
struct alignas(cache_line) meter {
    std::atomic<std::uint64_t> in{0};
    std::atomic<std::uint64_t> out{0};               // results that are not in a lane of its own
    std::atomic<const lane*> pushes_to{nullptr};     // its own lane: what is there it has pushed
    std::atomic<std::int64_t> waited_for_input{0};   // waits that have ended
    std::atomic<std::int64_t> waited_for_room{0};
    std::atomic<std::int64_t> input_since{0};        // the wait of this moment; 0: none
    std::atomic<std::int64_t> room_since{0};
    std::atomic<std::int64_t> began{0};
    std::atomic<std::int64_t> ended{0};
    std::atomic<std::int64_t> cpu{0};

    static std::int64_t now() noexcept {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
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

/// Times a wait from begin(), if that is called, to the end of the scope.
class wait_timer {
public:
    static wait_timer for_input(meter* of) noexcept {
        return {of, &meter::input_since, &meter::waited_for_input};
    }
    static wait_timer for_room(meter* of) noexcept {
        return {of, &meter::room_since, &meter::waited_for_room};
    }
    wait_timer(const wait_timer&) = delete;
    wait_timer& operator=(const wait_timer&) = delete;
    ~wait_timer() {
        if (began_ != 0) end();
    }

    void begin() noexcept {
        if (!of_ || began_ != 0) return;
        began_ = meter::now();
        (of_->*since_).store(began_, std::memory_order_relaxed);
    }

private:
    using time = std::atomic<std::int64_t> meter::*;

    wait_timer(meter* of, time since, time sum) noexcept : of_(of), since_(since), sum_(sum) {}

    void end() noexcept {
        const std::int64_t spent = meter::now() - began_;
        (of_->*sum_).store((of_->*sum_).load(std::memory_order_relaxed) + spent,
                           std::memory_order_relaxed);
        (of_->*since_).store(0, std::memory_order_relaxed);
        // Not at every short wait: that costs as much as one.
        if (spent > 100'000) of_->cpu.store(meter::cpu_of_this_thread(), std::memory_order_relaxed);
    }

    meter* const of_;
    const time since_;
    const time sum_;
    std::int64_t began_ = 0;
};

}  // namespace parallelpipe::detail

#endif
