// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_STOP_WAKEUP_HPP
#define PARALLELPIPE_DETAIL_INPUT_STOP_WAKEUP_HPP

// A worker's items may be read by a nested reader: one inside the worker's stage function that has a stop of its own.
// The source of a run over an Input is one, a stage inside a fused one, the thread of a timed batch. The thread that
// stops a nested reader waits for its end: so a nested reader that waits for an item is woken, and unwound.

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/this_worker.hpp>

#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// What a nested reader can read.
class stop_wakeup_target {
public:
    stop_wakeup_target() = default;
    stop_wakeup_target(const stop_wakeup_target&) = delete;
    stop_wakeup_target& operator=(const stop_wakeup_target&) = delete;
    virtual ~stop_wakeup_target() = default;

    /// Ends a reader's wait, with nothing. Threads: any. May take any lock that no thread holds where it requests a
    /// stop.
    virtual void wake_nested_reader() = 0;

    /// The stop of the worker itself.
    const sync::stop_token& host() const noexcept { return host_; }

    /// The stop of the stage inside a fused one that the items are for, while there is one: it ends every reading for
    /// that stage.
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
    explicit stop_wakeup(stop_wakeup_target& target) noexcept : target_(target) {}
    stop_wakeup(const stop_wakeup&) = delete;
    stop_wakeup& operator=(const stop_wakeup&) = delete;

    /// The calling thread is about to wait. From now on the stop of a nested reader, or of the stage that it reads for,
    /// wakes the thread.
    void waits() {
        if (on_stop_ || !current_worker || current_worker->stop == target_.host()) return;
        on_stop_.emplace(current_worker->stop, waking{&target_});
        if (target_.inner_stage().stop_possible() && target_.inner_stage() != current_worker->stop)
            on_stage_stop_.emplace(target_.inner_stage(), waking{&target_});
    }

private:
    struct waking {
        stop_wakeup_target* target;
        void operator()() const { target->wake_nested_reader(); }
    };

    stop_wakeup_target& target_;
    std::optional<sync::stop_callback<waking>> on_stop_;
    std::optional<sync::stop_callback<waking>> on_stage_stop_;
};

}  // namespace parallelpipe::detail

#endif
