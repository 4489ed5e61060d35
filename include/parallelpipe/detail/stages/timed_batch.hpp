// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGES_TIMED_BATCH_HPP
#define PARALLELPIPE_DETAIL_STAGES_TIMED_BATCH_HPP

#include <parallelpipe/detail/base/describe.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/input.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A batch that is being collected. An Input has no wait with a time limit, so a thread of the batch, the reader,
/// reads it, while the worker waits in next().
///
/// | thread     | waits for                            | woken by                                  |
/// |------------|--------------------------------------|-------------------------------------------|
/// | the worker | a full batch, its time, the end      | the reader; the clock                     |
/// | the reader | the worker in next() (is_wanted_)    | the worker, in next() or in the destructor |
///
/// The reader asks its Input for an item only while the worker is in next(). So a stage that is blocked at its output
/// takes in one item at most, for which the reader had asked before. When the run stops, the Input unwinds the reader,
/// and next() throws in the worker what unwound it. When the worker leaves, it stops the reader by a stop of the
/// reader's own: the destructor does not wait for items.
template <class In>
class timed_batch {
public:
    using clock = sync::steady_clock;

    timed_batch(Input<In>& items, std::size_t size, std::chrono::nanoseconds max_wait)
        : size_(size),
          max_wait_(max_wait),
          helper_(current_worker ? *current_worker : worker_identity()),
          reader_(start_reader(items)) {}
    timed_batch(const timed_batch&) = delete;
    timed_batch& operator=(const timed_batch&) = delete;
    ~timed_batch() {
        {
            const sync::lock_guard lock(mutex_);
            is_abandoned_ = true;
        }
        wanted_.notify_one();
        helper_.request_stop();
    }

    /// Returns: the next batch; an empty one at the end.
    /// Errors: what the Input threw.
    std::vector<In> next() {
        sync::unique_lock lock(mutex_);
        is_wanted_ = true;
        wanted_.notify_one();
        const auto is_complete = [this] { return has_ended_ || batch_.size() >= size_; };
        changed_.wait(lock, [&] { return is_complete() || !batch_.empty(); });
        if (!batch_.empty()) changed_.wait_until(lock, due_, is_complete);
        is_wanted_ = false;
        if (error_) std::rethrow_exception(error_);
        return std::exchange(batch_, {});
    }

private:
    sync::jthread start_reader(Input<In>& items) {
        try {
            return sync::jthread([this, &items] { read(items); });
        } catch (const std::system_error& error) {
            throw_not_started(error, "batch(size, max_wait), which reads its items");
        }
    }

    void read(Input<In>& items) noexcept {
        const worker_scope scope(helper_.get());
        std::exception_ptr error;
        try {
            const auto end = items.end();
            for (auto item = items.begin(); wait_until_wanted() && item != end; ++item)
                if (!add(*item)) break;
        } catch (...) {
            error = std::current_exception();
        }
        const sync::lock_guard lock(mutex_);
        error_ = std::move(error);
        has_ended_ = true;
        changed_.notify_one();
    }

    /// Returns: false if the worker has left.
    bool wait_until_wanted() {
        sync::unique_lock lock(mutex_);
        wanted_.wait(lock, [this] { return is_abandoned_ || has_free_slot(); });
        return !is_abandoned_;
    }

    bool add(In& item) {
        sync::unique_lock lock(mutex_);
        // The worker may have left next() with a batch while the reader waited for this item. The time of the batch
        // begins when the worker is back: else batches would be smallest when the output is slowest.
        wanted_.wait(lock, [this] { return is_abandoned_ || has_free_slot(); });
        if (is_abandoned_) return false;
        batch_.push_back(std::move(item));
        if (batch_.size() == 1) due_ = latest(clock::now());
        if (batch_.size() == 1 || batch_.size() == size_) changed_.notify_one();
        return true;
    }

    bool has_free_slot() const { return is_wanted_ && batch_.size() < size_; }

    clock::time_point latest(clock::time_point now) const {
        return max_wait_ > clock::time_point::max() - now ? clock::time_point::max()
                                                          : now + max_wait_;
    }

    const std::size_t size_;
    const std::chrono::nanoseconds max_wait_;
    sync::mutex mutex_;
    sync::condition_variable changed_;
    sync::condition_variable wanted_;
    std::vector<In> batch_;
    clock::time_point due_{};  // of the batch, if it has an item
    std::exception_ptr error_;
    bool is_wanted_ = false;     // the worker is in next()
    bool is_abandoned_ = false;  // the worker has left
    bool has_ended_ = false;     // the reader has left
    helper_identity helper_;     // the reader's
    sync::jthread reader_;        // last: it uses all other members, and is joined before they are destroyed
};

}  // namespace parallelpipe::detail

#endif
