// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_IDENTITY_HPP
#define PARALLELPIPE_DETAIL_WORKER_IDENTITY_HPP

#include <parallelpipe/detail/sync/primitives.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace parallelpipe::inline v0 {

struct Setup;

namespace detail {

struct item_counters;
struct worker_counters;

/// A run, and behind it the run one of whose workers started it, and so on: not to wait for oneself.
struct lineage {
    std::shared_ptr<const lineage> outer;
};

/// What a worker's thread knows of itself. Written by that thread alone, before user code runs.
struct worker_identity {
    std::string_view stage;
    std::size_t index = 0;
    sync::stop_token stop;
    std::shared_ptr<const lineage> of_run = {};
    const Setup* setup = nullptr;           // its stage's settings
    item_counters* counters = nullptr;      // its stage's
    worker_counters* own_counters = nullptr;               // its own
    const worker_identity* host = nullptr;  // the worker of the fused stage that its stage is in, or null
};

inline constinit thread_local const worker_identity* current_worker = nullptr;

/// That of the calling thread; null on one that is no worker.
inline std::shared_ptr<const lineage> lineage_here() noexcept {
    return current_worker ? current_worker->of_run : nullptr;
}

/// Makes `identity` the calling thread's own for a scope; nests.
class worker_scope {
public:
    explicit worker_scope(const worker_identity& identity) noexcept
        : outer_(std::exchange(current_worker, &identity)) {}
    ~worker_scope() { current_worker = outer_; }
    worker_scope(const worker_scope&) = delete;
    worker_scope& operator=(const worker_scope&) = delete;

private:
    const worker_identity* outer_;
};

/// The identity of a thread that works for a worker: the worker's, but with a stop of its own. A stop of the worker
/// stops the thread as well.
class helper_identity {
public:
    explicit helper_identity(const worker_identity& worker)
        : identity_(worker),
          on_stop_(std::exchange(identity_.stop, stop_.get_token()), passing_on{&stop_}) {}
    helper_identity(const helper_identity&) = delete;
    helper_identity& operator=(const helper_identity&) = delete;

    const worker_identity& get() const noexcept { return identity_; }
    void request_stop() { stop_.request_stop(); }

private:
    struct passing_on {
        sync::stop_source* helper;
        void operator()() const { helper->request_stop(); }
    };

    sync::stop_source stop_;
    worker_identity identity_;
    sync::stop_callback<passing_on> on_stop_;  // last: gone before what it touches
};

}  // namespace detail

}  // namespace parallelpipe

#endif
