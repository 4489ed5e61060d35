// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_ITEM_STORE_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_ITEM_STORE_HPP

// The items of a channel: in the chunks of the lanes, or given back by a reader.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Threads: what is protected, one at a time, under take_mutex_.
template <class T>
class item_store : public channel_base {
public:
    using channel_base::channel_base;
    ~item_store() override {
        lanes_.for_each_chunk([](chunk& at) {
            T* const items = items_of(at);
            std::destroy(items + at.taken, items + at.filled.load(std::memory_order_relaxed));
            delete static_cast<items_chunk*>(&at);
        });
    }

    // ---- a producer's, for its own lane ----

    /// About 2 KiB: few allocations for small items, two a chunk for huge ones.
    static constexpr std::size_t chunk_size =
        std::bit_floor(std::clamp<std::size_t>(std::size_t{2048} / sizeof(T), 2, 256));

    static T* items_of(chunk& at) noexcept { return static_cast<items_chunk&>(at).items.data(); }

    /// Errors: `std::bad_alloc`.
    lane& open_lane() { return lanes_.open(); }

    /// An empty chunk for a lane whose last one has `full` items, announced to the readers.
    /// Errors: `std::bad_alloc`.
    chunk& open_chunk(lane& mine, std::size_t full) {
        const producer_lanes::change changing(mine);
        chunk* opened = producer_lanes::reuse(mine);
        if (!opened) {
            opened = new items_chunk;
            producer_lanes::adopt(mine, *opened);
        }
        lanes_.announce(mine, *opened, full);
        return *opened;
    }

protected:
    /// Takes up to `most` items: what was given back, one at a time, else from the lanes. `place` as in
    /// item_channel::try_take(); `first_number` becomes the number of the first one, or of the one that `place`
    /// threw at. Returns: how many.
    template <class Place>
    std::size_t take_waiting(std::size_t most, Place& place, std::uint64_t& first_number) {
        if (!given_back_.is_empty()) [[unlikely]] {
            if (is_stopped_before(given_back_.first_number())) return 0;
            const auto next = given_back_.take_first();  // also if moving it throws
            first_number = next->number;
            T& item = static_cast<given_back&>(*next).item;
            if constexpr (std::invocable<Place&, std::span<T>>)
                place(std::span<T>(std::addressof(item), 1));
            else
                place(std::move(item));
            return 1;
        }
        first_number = next_number_;
        if (is_stopped_before(first_number)) return 0;
        const std::size_t taken =
            lanes_.take(chunk_size, most, [&](chunk& at, std::size_t some) {
                take_from(at, some, place, first_number);
            });
        if (taken != 0) note_fill(taken + size_approx());
        return taken;
    }

    /// Gives back what `items` has from `first` on, the last one first, so that every moment in between is whole.
    /// Errors: `std::bad_alloc`; what has not been given back is where it was.
    void put_back(prefetched_items<T>& items, T* first) {
        T* last = items.last.load(std::memory_order_relaxed);
        while (last > first) {
            --last;
            given_back_.insert(owning_ptr<given_back_item>(
                new given_back(items.first_number + static_cast<std::uint64_t>(last - items.first),
                               std::move(*last))));
            items.last.store(last, std::memory_order_relaxed);
            std::destroy_at(last);
            items.count(-1);
        }
    }

private:
    struct items_chunk : chunk {
        raw_storage<T, chunk_size> items;
    };

    struct given_back final : given_back_item {
        given_back(std::uint64_t n, T&& i) : given_back_item(n), item(std::move(i)) {}
        T item;
    };

    /// Takes the next `some` items of a chunk.
    template <class Place>
    void take_from(chunk& at, std::size_t some, Place& place, std::uint64_t& first_number) {
        T* const items = items_of(at);
        const std::size_t end = at.taken + some;
        if constexpr (std::invocable<Place&, std::span<T>>) {
            // At no moment are there more items than there have to be.
            constexpr std::size_t at_once = std::is_trivially_copyable_v<T> ? chunk_size : 1;
            for (std::size_t i = at.taken; i != end; i += std::min(at_once, end - i)) {
                place(std::span<T>(items + i, std::min(at_once, end - i)));
                std::destroy_n(items + i, std::min(at_once, end - i));
            }
            at.taken = end;
            count_taken(some);
        } else {
            while (at.taken != end) {
                T& item = items[at.taken];
                const std::uint64_t number = next_number_;
                ++at.taken;
                count_taken(1);  // whatever becomes of it
                struct destroyer {
                    T* item;
                    ~destroyer() { std::destroy_at(item); }
                } const at_the_end{std::addressof(item)};
                try {
                    place(std::move(item));
                } catch (...) {
                    first_number = number;
                    throw;
                }
            }
        }
    }
};

}  // namespace parallelpipe::detail

#endif
