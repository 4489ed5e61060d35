// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_LOOK_AHEAD_HPP
#define PARALLELPIPE_DETAIL_INPUT_LOOK_AHEAD_HPP

#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace parallelpipe::inline v0::detail {

/// How many items a worker with siblings takes at once: one at first, more while it works off quickly what it took
/// last, one again as soon as it does not. So the items after the one in its hand, which an idle sibling could work
/// on, are about `worth` of work at most, and cheap items cost one look per bulk.
class look_ahead {
public:
    explicit look_ahead(std::size_t limit) noexcept : limit_(limit) {}

    /// How many to take now. Called when the last bulk, of `taken_last` items, has been worked off.
    std::size_t next(std::size_t taken_last) noexcept {
        if (taken_last == 0 || limit_ == 1) return size_;
        // The item in hand is not ahead: of n items, n - 1 are.
        const auto last = static_cast<clock::rep>(taken_last);
        const auto each = (clock::now() - since_) / last;
        if ((last - 1) * each > worth)
            size_ = 1;
        else if ((2 * last - 1) * each <= worth && taken_last == size_)
            size_ = std::min(2 * size_, limit_);
        return size_;
    }

    /// Work on what was taken begins.
    void begin() noexcept {
        if (limit_ != 1) since_ = clock::now();
    }

private:
    using clock = sync::steady_clock;
    static constexpr std::chrono::microseconds worth{20};

    std::size_t limit_;
    std::size_t size_ = 1;
    clock::time_point since_{};
};

}  // namespace parallelpipe::detail

#endif
