// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_WORKER_IDENTITY_HPP
#define PARALLELPIPE_DETAIL_WORKER_IDENTITY_HPP

#include <parallelpipe/detail/base/config.hpp>
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

/// A run, the outer run whose worker started it, and so on. A worker must not wait for any of them.
struct lineage {
    std::shared_ptr<const lineage> outer;
};

/// What a worker's thread knows of itself. Only that thread writes it, before user code runs.
struct worker_identity {
    std::string_view stage;
    std::size_t index = 0;
    sync::stop_token stop;
    std::shared_ptr<const lineage> of_run = {};
    const Setup* setup = nullptr;           // its stage's settings
    item_counters* counters = nullptr;      // its stage's
    worker_counters* own_counters = nullptr;  // its own
    const worker_identity* host = nullptr;    // the worker of the fused stage around its stage, or null
};

/// Visible: the library that runs a stage sets it; policies, this_worker and queues of the library that made the
/// stage read it.
PARALLELPIPE_VISIBLE inline constinit thread_local const worker_identity* current_worker = nullptr;

/// The lineage of the calling worker; null on any other thread.
inline std::shared_ptr<const lineage> lineage_here() noexcept {
    return current_worker ? current_worker->of_run : nullptr;
}

/// Makes `identity` the calling thread's own until the end of the scope. Scopes nest.
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

/// The identity of a thread that works for a worker: a copy of the worker's with a stop of its own, which a stop of the
/// worker triggers as well.
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
