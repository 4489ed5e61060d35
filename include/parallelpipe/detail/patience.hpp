#ifndef PARALLELPIPE_DETAIL_PATIENCE_HPP
#define PARALLELPIPE_DETAIL_PATIENCE_HPP

#include <parallelpipe/detail/config.hpp>

#include <thread>

namespace parallelpipe::detail {

/// How often a wait looks again before it sleeps: some times, in a few microseconds of its own, as long as
/// that has paid off of late. Where items are far apart it only costs: CPU, and time, when whom it waits
/// for has to run on the same core.
/// Threads: that of one end of a channel.
class patience {
public:
    /// Looks in the wait that begins now.
    int looks() const noexcept { return is_gone() && in_vain_ % try_again != 0 ? 1 : spins; }

    /// Before look number `look` + 1. Short pauses at first: the other side may be at work on another core.
    /// Then the core is offered to whoever is ready to run, often the other side itself: with more workers
    /// than cores that costs a fraction of a sleep and a wake-up.
    static void pause(int look) noexcept {
        if (look < spins / 2)
            for (int i = 0; i < 8 * (look + 1); ++i) cpu_pause();
        else
            std::this_thread::yield();
    }

    void paid_off() noexcept { in_vain_ = 0; }
    void slept() noexcept { ++in_vain_; }

    /// Whether the last waits all ended in sleep.
    bool is_gone() const noexcept { return in_vain_ >= enough; }

    static constexpr int spins = 8;

private:
    static constexpr unsigned enough = 3;
    static constexpr unsigned try_again = 16;

    unsigned in_vain_ = 0;
};

}  // namespace parallelpipe::detail

#endif
