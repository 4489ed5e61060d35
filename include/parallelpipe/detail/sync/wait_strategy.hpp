// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_SYNC_WAIT_STRATEGY_HPP
#define PARALLELPIPE_DETAIL_SYNC_WAIT_STRATEGY_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/event_count.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// How often a wait pauses and looks again before it sleeps: some times, within a few microseconds, as long as pauses
/// were enough of late. Where items are far apart pauses only cost: CPU, and time, when the thread that makes the
/// next item has to run on the same core. Twice as often where a wait brings more than one item: items are small
/// then, and to sleep and to be woken takes as long as hundreds of them. Where items come one by one, a worker works
/// on each, and needs the core for that.
/// Threads: that of one end of a channel.
class wait_strategy {
public:
    using clock = core_contention::clock;

    /// Waits until `look` finds something: looks, pauses, and at last sleeps on `changed`. `for_long` as
    /// event_count::prepare() has it, where the last waits ended in sleep.
    /// `look(is_last)` returns an optional; `is_last`: nothing but sleep is left. After a look that found nothing
    /// `idle()` is called; it returns for how many items the other side can go on, for sleep_time().
    /// `before_sleep()` is called by a thread that has announced itself to `changed`.
    /// Returns: what `look` found. Errors: what `look` throws.
    template <class Look, class Idle, class BeforeSleep>
    auto wait(event_count& changed, bool for_long, Look look, Idle idle, BeforeSleep before_sleep) {
        for (;;) {
            if (auto found = look(false)) return found;
            if (sleep_uninterrupted(idle())) continue;
            const int count = pauses();
            for (int i = 0; i < count; ++i) {
                pause(i);
                if (auto found = look(false)) {
                    spin_succeeded();
                    return found;
                }
            }
            event_count::announcement here(changed, for_long && spinning_is_futile());
            if (auto found = look(true)) return found;
            before_sleep();
            sleeps();
            here.wait();
        }
    }

    /// A wait begins, on `core`. Returns: how often to pause.
    int pauses(core_contention& core = core_contention::here()) noexcept {
        const bool brought_some = std::exchange(brought_, 0) > 1;
        if (brought_some) in_vain_ = std::min(in_vain_, enough - 1);  // the other side is not far away, only slow to wake
        if (spinning_is_futile() && in_vain_ % try_again != 0) return 0;
        if (core.avoid_yield()) return short_ones;
        // A yield is over sooner than the pauses that it replaces with more workers than cores.
        return (brought_some ? 2 : 1) * (core_contention::is_crowded() ? 2 : 1) * spins;
    }

    /// Pause number `which`, from 0. Short ones at first: the other side may be at work on another core. Then yields,
    /// unless other programs keep the core; with more workers than cores yields at once, for another worker is often
    /// ready to run.
    void pause(int which) noexcept {
        if ((which < short_ones && !core_contention::is_crowded()) || core_contention::here().avoid_yield())
            for (int i = 0; i < 8 * (which % short_ones + 1); ++i) cpu_pause();
        else
            yield_core();
    }

    /// Lets another thread run here that is ready to. Often that is the other side itself: with more workers than
    /// cores a yield costs a fraction of a sleep and a wake-up. But if another program takes the core, it is away
    /// for milliseconds, however soon there is something to do; a thread that sleeps is woken at once.
    void yield_core() noexcept {
        core_contention& core = core_contention::here();
        const clock::time_point began = clock::now();
        core.leave(began);
        sync::this_thread::yield();
        core_returned(core, began, clock::now());
    }

    /// The calling thread yielded `core` at `began`, and has it again.
    void core_returned(core_contention& core, clock::time_point began, clock::time_point now) noexcept {
        if (now - began < at_once) alone_ += now - began;
        const clock::duration lost = std::min(now - began, core.used_by_others(now));
        lost < too_long ? core.yield_was_short() : core.yield_was_long(now, lost);
    }

    /// Sleeps for a while, if sleep_time() says so. Returns: whether it did.
    bool sleep_uninterrupted(std::size_t reserve) {
        if (alone_ < long_alone || !core_contention::is_crowded()) [[likely]]
            return false;
        const clock::duration time = sleep_time(reserve);
        if (time == clock::duration()) return false;
        leaves_core();
        sync::this_thread::sleep_for(time);
        return true;
    }

    /// How long to sleep without being woken; 0: not at all. The other side can go on for `reserve` items.
    ///
    /// A worker that outruns its peer spins uselessly between items. The system does not see that: it leaves two
    /// workers on one core and the third, which only waits, alone on another, for as long as the run takes, and
    /// half of the machine is lost. To sleep for each item does not help: a core whose idle times are that short
    /// gets no other thread either. So a worker that has paused for long, while no other thread wanted the core,
    /// sleeps once for longer, and the items wait for it; never so long that the other side has to wait.
    clock::duration sleep_time(std::size_t reserve) noexcept {
        const clock::duration paused = std::exchange(alone_, {});
        const std::size_t items = std::max<std::size_t>(std::exchange(brought_alone_, 0), 1);
        const auto usual = paused.count() / static_cast<clock::rep>(items);  // for an item
        const auto most = usual * static_cast<clock::rep>(std::min(reserve, many)) / 2;
        const clock::duration time = std::min(longest_sleep, clock::duration(most));
        return time < shortest_sleep ? clock::duration() : time;
    }

    /// Pauses were enough: the thread did not sleep.
    void spin_succeeded() noexcept { in_vain_ = 0; }
    /// Pauses were not enough: the thread sleeps.
    void sleeps() noexcept {
        ++in_vain_;
        alone_ = {};
        brought_alone_ = 0;
        leaves_core();
    }
    static void leaves_core() noexcept { core_contention::here().leave(clock::now()); }
    /// `items` items, or slots, came from the other side. Returns: `items`.
    template <std::integral Count>
    Count brought(Count items) noexcept {
        brought_ += static_cast<std::size_t>(items);
        brought_alone_ += static_cast<std::size_t>(items);
        return items;
    }

    /// Whether the last waits all ended in sleep.
    bool spinning_is_futile() const noexcept { return in_vain_ >= enough; }

    /// Ten times what a sleep and a wake-up take.
    static constexpr clock::duration too_long = std::chrono::microseconds(200);
    /// A yield is over sooner if no other thread wanted the core.
    static constexpr clock::duration at_once = std::chrono::microseconds(10);
    static constexpr clock::duration long_alone = std::chrono::microseconds(50);
    static constexpr clock::duration longest_sleep = std::chrono::microseconds(60);
    static constexpr clock::duration shortest_sleep = std::chrono::microseconds(20);

private:
    static constexpr int spins = 8;
    static constexpr int short_ones = spins / 2;
    static constexpr unsigned enough = 3;
    static constexpr unsigned try_again = 64;
    static constexpr std::size_t many = 1024;

    unsigned in_vain_ = 0;
    clock::duration alone_{};        // spent in yields that no other thread wanted, since the last sleep
    std::size_t brought_alone_ = 0;  // in the same time
    std::size_t brought_ = 0;        // since the last wait began
};

}  // namespace parallelpipe::detail

#endif
