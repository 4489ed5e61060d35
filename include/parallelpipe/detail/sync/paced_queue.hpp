// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_PACED_QUEUE_HPP
#define PARALLELPIPE_DETAIL_SYNC_PACED_QUEUE_HPP

// A rate, and the queue of the threads that wait for their turn under it.
//
// The first thread in the queue waits for its time, the others wait to become the first. A thread takes its turn
// when it leaves: one that a stop ends leaves no gap in the rate.
//
// | a thread waits for     | woken by                                                                 |
// |------------------------|--------------------------------------------------------------------------|
// | being the first        | the thread before it, when that leaves the queue, in its turn or stopped |
// | its time, as the first | the clock                                                                |
// | a stop, all the time   | its stop callback, which sets is_stopped                                 |
//
// mutex_ guards everything here, and each condition variable is notified under it.

#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <list>

namespace parallelpipe::inline v0::detail {

/// When turns are due. Turn number k after a pause is due k * interval after the end of the pause, computed anew for
/// each, so no error adds up. `burst` turns may come earlier.
class pace {
public:
    using clock = sync::steady_clock;

    /// `interval` in nanoseconds.
    pace(double interval, std::size_t burst)
        : interval_(interval), ahead_(static_cast<double>(burst - 1) * interval) {}

    /// When the next turn may be taken, by a thread that came at `came`.
    clock::time_point ready_at(clock::time_point now, clock::time_point came) {
        // A pause saves up no more than the burst. A late wake-up does not count as a pause, unless it came so late
        // that the machine itself must have paused.
        if (count_ == 0 || std::max(came, now - most_late) > due() + late_) {
            start_ = now;
            count_ = 0;
            late_ = {};
        }
        return ready();
    }

    void take() { ++count_; }
    /// The same for a thread that came at `came` and had to wait.
    void take_after_wait(clock::time_point now, clock::time_point came) {
        late_ = std::clamp<clock::duration>(now - std::max({ready(), came, start_}), clock::duration::zero(),
                                            most_late);
        ++count_;
    }

private:
    static std::chrono::nanoseconds duration(double nanoseconds) {
        // Rounded up, so that no turn comes early. The limit is a century, also for a burst that lasts longer.
        constexpr double longest = 3e18;
        return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(
            std::ceil(std::clamp(nanoseconds, -longest, longest))));
    }

    clock::time_point ready() const {
        return start_ + duration(static_cast<double>(count_) * interval_ - ahead_);
    }
    clock::time_point due() const { return start_ + duration(static_cast<double>(count_) * interval_); }

    static constexpr std::chrono::milliseconds most_late{100};

    double interval_;
    double ahead_;
    clock::time_point start_{};
    std::size_t count_ = 0;  // turns since start_
    clock::duration late_{};
};

class paced_queue {
public:
    explicit paced_queue(const pace& pace) : pace_(pace) {}
    paced_queue(const paced_queue&) = delete;
    paced_queue& operator=(const paced_queue&) = delete;

    /// Waits for the calling thread's turn and takes it.
    /// Threads: any; they take their turns in the order in which they came.
    /// Returns: false if one of the tokens has been stopped before; no turn is taken then.
    bool wait(const sync::stop_token& first, const sync::stop_token& second) {
        if (first.stop_requested() || second.stop_requested()) return false;
        const auto came = pace::clock::now();
        {
            const sync::lock_guard lock(mutex_);
            if (waiting_.empty() && pace_.ready_at(came, came) <= came) {
                pace_.take();
                return true;
            }
        }
        std::list<waiter> mine(1);  // outlives the callbacks, which refer to it
        waiter& me = mine.front();
        const auto stop = [&] {
            const sync::lock_guard lock(mutex_);
            me.is_stopped = true;
            me.wake.notify_one();
        };
        // Made and destroyed without the lock, which they take.
        const sync::stop_callback on_first(first, stop);
        const sync::stop_callback on_second(second, stop);
        sync::unique_lock lock(mutex_);
        waiting_.splice(waiting_.end(), mine);
        const auto place = std::prev(waiting_.end());
        while (!me.is_stopped) {
            if (place != waiting_.begin()) {
                me.wake.wait(lock);
                continue;
            }
            const auto now = pace::clock::now();
            const auto ready = pace_.ready_at(now, came);
            if (ready <= now) {
                pace_.take_after_wait(now, came);
                break;
            }
            me.wake.wait_until(lock, ready);
        }
        const bool was_first = place == waiting_.begin();
        mine.splice(mine.end(), waiting_, place);
        if (was_first && !waiting_.empty()) waiting_.front().wake.notify_one();
        return !me.is_stopped;
    }

private:
    struct waiter {
        sync::condition_variable wake;
        bool is_stopped = false;
    };

    sync::mutex mutex_;
    pace pace_;
    std::list<waiter> waiting_;  // the thread that came first is at the front
};

}  // namespace parallelpipe::detail

#endif
