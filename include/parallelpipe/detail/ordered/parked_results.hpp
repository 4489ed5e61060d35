// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ORDERED_PARKED_RESULTS_HPP
#define PARALLELPIPE_DETAIL_ORDERED_PARKED_RESULTS_HPP

#include <parallelpipe/detail/base/raw_storage.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Results in the order in which they came. They lie in blocks, the first of which is kept and used again: few small
/// results allocate nothing, and many big ones leave no memory in use. A std::deque takes ten times as many functions
/// to compile.
/// Threads: one at a time.
template <class T>
class parked_results {
public:
    parked_results() = default;
    parked_results(const parked_results&) = delete;
    parked_results& operator=(const parked_results&) = delete;
    ~parked_results() {
        drop();
        delete first_;
    }

    /// Errors: `std::bad_alloc`, what the move throws; then all is as it was.
    void push(T&& result) {
        if (!last_ || last_->end == block_size) add_block();
        std::construct_at(last_->results.data() + last_->end, std::move(result));
        ++last_->end;
    }

    /// Calls `f(T&&)` for one result after the other; `f` takes the result and returns true, or returns false and leaves
    /// the result as it was.
    /// Returns: whether `f` took all of them; else that result and the later ones are left.
    /// Errors: what `f` throws; that result is gone, later ones are left.
    template <class F>
    bool take_each(F f) {
        for (block* at = first_; at; at = at->next)
            while (at->begin != at->end) {
                taking first{*at};
                first.is_taken = f(std::move(at->results.data()[at->begin]));
                if (!first.is_taken) return false;
            }
        drop();
        return true;
    }

    /// Takes over all results of `more`. Returns: how many.
    std::ptrdiff_t absorb(parked_results& more) noexcept {
        std::size_t count = 0;
        for (const block* at = more.first_; at; at = at->next) count += at->end - at->begin;
        (last_ ? last_->next : first_) = std::exchange(more.first_, nullptr);
        if (block* const last = std::exchange(more.last_, nullptr)) last_ = last;
        return static_cast<std::ptrdiff_t>(count);
    }

    /// Destroys all. Returns: how many there were.
    std::ptrdiff_t drop() noexcept {
        std::size_t count = 0;
        for (block* at = first_; at;) {
            count += at->end - at->begin;
            std::destroy(at->results.data() + at->begin, at->results.data() + at->end);
            block* const next = std::exchange(at->next, nullptr);
            at->begin = at->end = 0;
            if (at != first_) delete at;
            at = next;
        }
        last_ = first_;
        return static_cast<std::ptrdiff_t>(count);
    }

private:
    static constexpr std::size_t block_size =
        std::clamp<std::size_t>(std::size_t{512} / sizeof(T), 1, 64);

    struct block {
        block* next = nullptr;
        std::size_t begin = 0;  // results before it have been taken
        std::size_t end = 0;
        raw_storage<T, block_size> results;
    };

    /// Destroys the first result of a block if it was taken.
    struct taking {
        block& from;
        bool is_taken = true;
        ~taking() {
            if (is_taken) std::destroy_at(from.results.data() + from.begin++);
        }
    };

    /// After the last one, which is full.
    void add_block() {
        block*& next = last_ ? last_->next : first_;
        next = new block;
        last_ = next;
    }

    block* first_ = nullptr;
    block* last_ = nullptr;  // the one that is being filled
};

}  // namespace parallelpipe::detail

#endif
