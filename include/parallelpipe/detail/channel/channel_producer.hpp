// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_PRODUCER_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_CHANNEL_PRODUCER_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The pushing end of a channel. channel.hpp says what its waits and stores carry.
/// Threads: one at a time.
template <class T>
class channel_producer {
public:
    /// Errors: `std::bad_alloc`.
    explicit channel_producer(item_channel<T>& channel) : channel_(channel), lane_(channel.open_lane()) {}
    channel_producer(const channel_producer&) = delete;
    channel_producer& operator=(const channel_producer&) = delete;
    ~channel_producer() {
        // An unlimited channel has no slots to return.
        if (channel_.capacity() != 0)
            channel_.return_slots(free_slots_ + static_cast<std::ptrdiff_t>(ready_ - filled_));
    }

    /// Several pushes. While a session lives, the producer is used through it alone: what each push looks at then
    /// stays in registers, where the compiler cannot keep a member of the producer.
    class session {
    public:
        explicit session(channel_producer& of) noexcept : of_(of), channel_(of.channel_) { load(); }
        ~session() { of_.filled_ = filled_; }
        session(const session&) = delete;
        session& operator=(const session&) = delete;

        /// As channel_producer::push.
        [[nodiscard]] PARALLELPIPE_INLINE bool push(T&& item) {
            if (channel_.is_closed()) [[unlikely]]
                return false;
            if (filled_ == ready_) [[unlikely]] {
                of_.filled_ = filled_;
                if (!of_.make_ready()) return false;
                load();
            }
            std::construct_at(items_ + filled_, std::move(item));
            ++filled_;
            chunk_->filled.store(filled_, std::memory_order_release);
            channel_.item_pushed();
            return true;
        }

    private:
        void load() noexcept {
            chunk_ = of_.chunk_;
            items_ = of_.items_;
            filled_ = of_.filled_;
            ready_ = of_.ready_;
        }

        channel_producer& of_;
        item_channel<T>& channel_;
        chunk* chunk_;
        T* items_;
        std::size_t filled_;
        std::size_t ready_;
    };

    /// Adds an item at the end.
    /// Blocks: while the channel is full; woken by a reader that returns slots and by close().
    /// Returns: false if the channel is closed; the item is then left as it was.
    /// Errors: what the item's move throws, `std::bad_alloc`; the item is then not in the channel.
    [[nodiscard]] bool push(T&& item) { return session(*this).push(std::move(item)); }

    /// The same for an item that holds a slot already. Never blocks.
    [[nodiscard]] bool push_with_slot(T&& item) {
        free_slots_ += channel_.capacity() == 0 ? 0 : 1;
        return push(std::move(item));
    }

    /// What is pushed here counts as results of `worker`; null: of none.
    void count_for(worker_counters* worker) const noexcept {
        if (worker) worker->pushes_to.store(&lane_, std::memory_order_release);
    }

private:
    /// Gets slots, and memory to construct items in. Blocks and returns as push().
    PARALLELPIPE_RARE bool make_ready() {
        core_contention::here().work();
        if (free_slots_ == 0) {
            free_slots_ = channel_.take_slots(wait_strategy_);
            if (free_slots_ == 0) return false;
        }
        constexpr std::size_t chunk_size = item_channel<T>::chunk_size;
        if (!chunk_ || filled_ == chunk_size) {
            chunk_ = &channel_.open_chunk(lane_, filled_);
            items_ = item_channel<T>::items_of(*chunk_);
            filled_ = ready_ = 0;
        }
        const auto more = std::min(free_slots_, static_cast<std::ptrdiff_t>(chunk_size - filled_));
        if (channel_.capacity() != 0) free_slots_ -= more;
        ready_ = filled_ + static_cast<std::size_t>(more);
        detail::prefetch_to_write(items_ + filled_, items_ + ready_);
        return true;
    }

    item_channel<T>& channel_;
    lane& lane_;
    chunk* chunk_ = nullptr;         // the one that is being filled
    T* items_ = nullptr;             // its items
    std::size_t filled_ = 0;         // how many there are
    std::size_t ready_ = 0;          // how many there may be: they have slots
    std::ptrdiff_t free_slots_ = 0;  // slots taken and not yet used beside these
    wait_strategy wait_strategy_;
};

}  // namespace parallelpipe::detail

#endif
