// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_ITEM_POLICY_HPP
#define PARALLELPIPE_DETAIL_ITEM_ITEM_POLICY_HPP

// What becomes of an item whose function throws: retry, dead letter, skip, or an error of the stage. An item that
// does not fail costs nothing.

#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/item_counters.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/this_worker.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Waits inside a stage function. When the run stops, throws stop_unwind at once.
inline void wait_until(sync::steady_clock::time_point when) {
    sync::mutex mutex;
    sync::condition_variable wake;  // notified by the stop callback; else the time ends the wait
    bool is_stopped = false;       // under mutex
    const auto stop = [&] {
        const sync::lock_guard lock(mutex);
        is_stopped = true;
        wake.notify_one();
    };
    const sync::stop_callback on_stop(this_worker::stop_token(), stop);
    sync::unique_lock lock(mutex);
    if (wake.wait_until(lock, when, [&] { return is_stopped; })) throw stop_unwind{};
}

/// Waits before retry number `attempt`, counted from 1: between 1 and 1.5 times `backoff`, doubled for each earlier
/// retry.
inline void back_off(std::chrono::nanoseconds backoff, std::size_t attempt) {
    using namespace std::chrono;
    constexpr double longest = duration_cast<duration<double, std::nano>>(years(1)).count();
    const double step = std::ldexp(static_cast<double>(std::max(backoff, nanoseconds(0)).count()),
                                   static_cast<int>(std::min<std::size_t>(attempt, 64)) - 1);
    const auto now = sync::steady_clock::now();
    // Workers that fail together should not try again together. A multiple of the golden ratio spreads even
    // neighbouring points in time over the whole range.
    const auto seed = static_cast<std::uint64_t>(now.time_since_epoch().count()) + this_worker::index();
    const double jitter = 1 + std::ldexp(static_cast<double>(seed * 0x9e3779b97f4a7c15U), -65);
    wait_until(now + nanoseconds(static_cast<nanoseconds::rep>(std::min(step * jitter, longest))));
}

template <class In>
using dead_letter_handler = std::function<void(std::exception_ptr, In&)>;

/// The policy of the calling worker's stage, for items of type In.
template <class In>
class item_policy {
public:
    explicit item_policy(const dead_letter_handler<In>& dead_letter)
        : dead_letter_(dead_letter ? &dead_letter : nullptr) {
        if (!current_worker) return;
        counters_ = current_worker->counters;
        if (const Setup* setup = current_worker->setup) {
            skip_ = setup->on_error == OnError::skip;
            if (setup->retry) retry_ = *setup->retry;
        }
    }

    /// Whether a failure may end in anything but an error of the stage.
    bool is_active() const noexcept { return skip_ || keeps_whole(); }

    /// Whether a failed item is used again.
    bool keeps_whole() const noexcept { return dead_letter_ || retry_.times != 0; }

    /// Calls without a policy; only counts the failure.
    template <class Call>
    decltype(auto) once(Call call) const {
        try {
            return call();
        } catch (const stop_unwind&) {
            throw;
        } catch (...) {
            count(&item_counters::failed);
            throw;
        }
    }

    /// Calls until the call succeeds or the policy is exhausted.
    /// Returns: false if the item is to be dropped.
    /// Errors: the error of the last attempt if there is no handler and no skip; the error of the handler.
    template <class Call>
    bool attempt(In& item, Call call) const {
        for (std::size_t failures = 0;;) {
            std::exception_ptr cause;
            try {
                call();
                return true;
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                cause = std::current_exception();
            }
            if (failures++ == retry_.times) {
                give_up(std::move(cause), item);
                return false;
            }
            back_off(retry_.backoff, failures);
            count(&item_counters::retried);
        }
    }

private:
    void give_up(std::exception_ptr cause, In& item) const {
        count(&item_counters::failed);
        if (!dead_letter_ && !skip_) std::rethrow_exception(std::move(cause));
        count(&item_counters::skipped);
        if (!dead_letter_) return;
        try {
            (*dead_letter_)(std::move(cause), item);
        } catch (const stop_unwind&) {
            throw;  // the handler waited, and the run has stopped
        } catch (...) {
            throw handler_failure{std::current_exception()};
        }
    }

    void count(sync::atomic<std::size_t> item_counters::* which) const noexcept {
        if (counters_) (counters_->*which).fetch_add(1, std::memory_order_relaxed);
    }

    const dead_letter_handler<In>* dead_letter_;
    item_counters* counters_ = nullptr;
    bool skip_ = false;
    Retry retry_{.times = 0};
};

}  // namespace parallelpipe::detail

#endif
