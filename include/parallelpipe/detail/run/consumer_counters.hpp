// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_CONSUMER_COUNTERS_HPP
#define PARALLELPIPE_DETAIL_RUN_CONSUMER_COUNTERS_HPP

// What is counted of the consumer, the thread that takes a run's results, and when the run began and ended.
//
// | atomic           | written by                            | read by                | order                       |
// |------------------|---------------------------------------|------------------------|-----------------------------|
// | ended_           | the first thread that has joined the  | has_ended(), any       | release / acquire: carries  |
// |                  | workers, once                         | thread                 | the consumer's final times  |
// | processor_asked_ | any thread in may_ask()               | the same               | relaxed: carries nothing    |
//
// begin() runs before any other thread sees the object. counters.hpp has the table of the counters.

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <algorithm>
#include <cstdint>

namespace parallelpipe::inline v0::detail {

class consumer_counters {
public:
    /// The calling thread starts the run. `is_watched`: a Monitor pays for reading the time ready to run.
    void begin(bool is_watched) noexcept {
        began_ = worker_counters::now();
        is_watched_ = is_watched;
        starter_ = sync::this_thread::get_id();
        spent_before_.cpu = worker_counters::cpu_of_this_thread();
        if (is_watched) spent_before_.ready = core_time_of(this_thread_number()).ready;
        counters_.thread.store(this_thread_number(), std::memory_order_relaxed);
    }

    /// The calling thread takes results. The processor time of any thread but the starter is unknown.
    void is_here() noexcept {
        if (sync::this_thread::get_id() != starter_) [[unlikely]]
            counters_.thread.store(0, std::memory_order_relaxed);
    }

    /// All workers have been joined. Threads: any, any number of times.
    void end() {
        if (ended() != 0) return;
        if (sync::this_thread::get_id() == starter_)
            counters_.cpu.store(worker_counters::cpu_of_this_thread(), std::memory_order_relaxed);
        if (is_watched_) counters_.ready.store(spent(false, true).ready, std::memory_order_relaxed);
        std::int64_t not_yet = 0;
        ended_.compare_exchange_strong(not_yet, worker_counters::now(), std::memory_order_release,
                                       std::memory_order_relaxed);
    }

    std::int64_t began() const noexcept { return began_; }
    /// 0: not yet.
    std::int64_t ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
    /// Once true, spent(true, ...) is final.
    bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire) != 0; }

    worker_counters& counters() noexcept { return counters_; }
    const worker_counters& counters() const noexcept { return counters_; }

    /// What the consumer has used since the start. `anew`: asks the system while the run goes on.
    core_time spent(bool is_over, bool anew) const {
        const std::int64_t thread = counters_.thread.load(std::memory_order_relaxed);
        if (thread == 0) return {};
        if (is_over)
            return {since(spent_before_.cpu, counters_.cpu.load(std::memory_order_relaxed)),
                    counters_.ready.load(std::memory_order_relaxed)};
        const core_time now = spent_so_far(counters_, anew);
        return {since(spent_before_.cpu, now.cpu),
                is_watched_ ? since(spent_before_.ready, now.ready) : 0};
    }

    /// Whether the caller may ask the system for processor times: at most every 5 ms, since asking takes some
    /// microseconds per thread and a program may want statistics at every item.
    bool may_ask(std::int64_t now) const noexcept {
        std::int64_t last = processor_asked_.load(std::memory_order_relaxed);
        return now - last >= 5'000'000 &&
               processor_asked_.compare_exchange_strong(last, now, std::memory_order_relaxed);
    }

    const char* taken_by = "";  // a literal: ConsumerStatistics::taken_by

private:
    static std::int64_t since(std::int64_t began, std::int64_t now) noexcept {
        return std::max<std::int64_t>(now - began, 0);
    }

    mutable worker_counters counters_;
    std::int64_t began_ = 0;
    bool is_watched_ = false;
    sync::thread::id starter_;
    core_time spent_before_;
    sync::atomic<std::int64_t> ended_{0};
    mutable sync::atomic<std::int64_t> processor_asked_{0};
};

}  // namespace parallelpipe::detail

#endif
