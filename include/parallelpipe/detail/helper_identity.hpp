#ifndef PARALLELPIPE_DETAIL_HELPER_IDENTITY_HPP
#define PARALLELPIPE_DETAIL_HELPER_IDENTITY_HPP

#include <parallelpipe/this_worker.hpp>

#include <stop_token>
#include <utility>

namespace parallelpipe::detail {

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
        std::stop_source* helper;
        void operator()() const { helper->request_stop(); }
    };

    std::stop_source stop_;
    worker_identity identity_;
    std::stop_callback<passing_on> on_stop_;  // last: gone before what it touches
};

}  // namespace parallelpipe::detail

#endif
