// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_STOP_WAKEUP_HPP
#define PARALLELPIPE_DETAIL_INPUT_STOP_WAKEUP_HPP

// Who reads what a worker takes may be a guest: somebody inside that worker's stage function, who is told to stop
// while the worker is not. The source of a run over an Input is one, a stage inside a fused one, the thread of a
// timed batch. Whoever stops a guest waits for it: so a guest that waits for an item is woken, and unwound.

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/this_worker.hpp>

#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// What can be read by a guest.
class stop_wakeup_target {
public:
    stop_wakeup_target() = default;
    stop_wakeup_target(const stop_wakeup_target&) = delete;
    stop_wakeup_target& operator=(const stop_wakeup_target&) = delete;
    virtual ~stop_wakeup_target() = default;

    /// Makes a reader that waits come back with nothing. From any thread; may take any lock that is not held where a
    /// stop is requested.
    virtual void wake_nested_reader() = 0;

    /// The stop of the worker itself.
    const sync::stop_token& host() const noexcept { return host_; }

    /// The stop of the stage inside a fused one whose items these are, while there is one: it ends the reading of all
    /// that read for that stage.
    const sync::stop_token& inner_stage() const noexcept { return inner_stage_; }

protected:
    /// By the worker, while nothing reads.
    void set_inner_stage(sync::stop_token stop) noexcept { inner_stage_ = std::move(stop); }

private:
    const sync::stop_token host_ = this_worker::stop_token();
    sync::stop_token inner_stage_;
};

/// In the thread of a reader, for one wait.
class stop_wakeup {
public:
    explicit stop_wakeup(stop_wakeup_target& house) noexcept : house_(house) {}
    stop_wakeup(const stop_wakeup&) = delete;
    stop_wakeup& operator=(const stop_wakeup&) = delete;

    /// The calling thread is going to wait. Wakes it from now on, if it is a guest's that is stopped, or if the stage is
    /// for which it reads.
    void waits() {
        if (on_stop_ || !current_worker || current_worker->stop == house_.host()) return;
        on_stop_.emplace(current_worker->stop, waking{&house_});
        if (house_.inner_stage().stop_possible() && house_.inner_stage() != current_worker->stop)
            on_stage_stop_.emplace(house_.inner_stage(), waking{&house_});
    }

private:
    struct waking {
        stop_wakeup_target* house;
        void operator()() const { house->wake_nested_reader(); }
    };

    stop_wakeup_target& house_;
    std::optional<sync::stop_callback<waking>> on_stop_;
    std::optional<sync::stop_callback<waking>> on_stage_stop_;
};

}  // namespace parallelpipe::detail

#endif
