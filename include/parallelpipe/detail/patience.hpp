#ifndef PARALLELPIPE_DETAIL_PATIENCE_HPP
#define PARALLELPIPE_DETAIL_PATIENCE_HPP

#include <parallelpipe/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <thread>
#include <utility>

namespace parallelpipe::detail {

/// How often a wait pauses and looks again before it sleeps: some times, in a few microseconds of its own, as
/// long as that has paid off of late. Where items are far apart it only costs: CPU, and time, when whom it
/// waits for has to run on the same core. Twice as often where a wait brings more than one item: they are
/// small then, and to sleep and to be woken takes as long as hundreds of them. Where they come one by one
/// somebody works at each, and needs the core for that.
/// Threads: that of one end of a channel.
class patience {
public:
    /// A wait begins. Returns: how often to pause.
    int pauses() noexcept {
        const bool brought_some = std::exchange(brought_, 0) > 1;
        if (is_gone() && in_vain_ % try_again != 0) return 0;
        return brought_some ? 2 * spins : spins;
    }

    /// Pause number `which`, from 0. Short ones at first: the other side may be at work on another core.
    /// Then the core is offered to whoever is ready to run, often the other side itself: with more workers
    /// than cores that costs a fraction of a sleep and a wake-up.
    static void pause(int which) noexcept {
        if (which < spins / 2)
            for (int i = 0; i < 8 * (which + 1); ++i) cpu_pause();
        else
            std::this_thread::yield();
    }

    /// A pause, and not sleep, was enough.
    void paid_off() noexcept { in_vain_ = 0; }
    void slept() noexcept { ++in_vain_; }
    /// So many items, or slots, came from the other side. Returns: the same.
    template <std::integral Count>
    Count brought(Count items) noexcept {
        brought_ += static_cast<std::size_t>(items);
        return items;
    }

    /// Whether the last waits all ended in sleep.
    bool is_gone() const noexcept { return in_vain_ >= enough; }

    static constexpr int spins = 8;

private:
    static constexpr unsigned enough = 3;
    static constexpr unsigned try_again = 16;

    unsigned in_vain_ = 0;
    std::size_t brought_ = 2;  // since the last wait began; the first one is taken for a short one
};

}  // namespace parallelpipe::detail

#endif
