// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_ITEM_STORE_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_ITEM_STORE_HPP

// What a channel does with its items, one consumer at a time: taking them from the lanes, giving back what
// was taken and not begun, stealing that from a sibling, discarding all. channel.hpp tells how it all plays together.

#include <parallelpipe/detail/sync/asymmetric_fence.hpp>
#include <parallelpipe/detail/channel/slots.hpp>
#include <parallelpipe/detail/channel/producer_lanes.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The items of a channel. Threads: everything here under take_mutex_, but for items_of(), which a producer calls
/// for its own chunk.
template <class T>
class item_store : public channel_slots {
public:
    ~item_store() override {
        lanes_.for_each_chunk([](chunk& at) {
            T* const items = items_of(at);
            std::destroy(items + at.taken, items + at.filled.load(std::memory_order_relaxed));
            delete static_cast<items_chunk*>(&at);
        });
    }

    void discard() final {
        close();
        // After the sentinel no producer pushes any more.
        if (!sentinel_.load(std::memory_order_acquire)) not_empty_.retire();
        discard_items();
    }

protected:
    using channel_slots::channel_slots;

    /// About 2 KiB: few allocations for small items, two a chunk for huge ones.
    static constexpr std::size_t chunk_size =
        std::bit_floor(std::clamp<std::size_t>(std::size_t{2048} / sizeof(T), 2, 256));

    struct items_chunk : chunk {
        raw_storage<T, chunk_size> items;
    };
    static T* items_of(chunk& at) noexcept { return static_cast<items_chunk&>(at).items.data(); }

    /// Everything in the channel dies. A producer that learns that the readers have retired calls this after its
    /// push, for what it has pushed; see retire().
    PARALLELPIPE_RARE void discard_items() {
        while (discard_some()) {
        }
    }

    /// `items` loses what lies from `first` on, the last one first, so that every moment in between is whole.
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

    /// Whether one of `thief`'s siblings has not begun an item in front of that one.
    bool could_steal_before(std::uint64_t number, const prefetched_items<T>* thief) const {
        for (reader_state* each = shared_.first(); each; each = shared_.next(*each)) {
            const auto& items = static_cast<const prefetched_items<T>&>(*each);
            if (&items == thief || unbegun(items) <= 0) continue;
            const T* const next = items.begun.load(std::memory_order_relaxed);
            if (items.first_number + static_cast<std::uint64_t>(next - items.first) < number) return true;
        }
        return false;
    }

    /// Takes up to `most` items: what was given back, one at a time, else from the lanes. `place` as in
    /// Consumer::try_take(); `first_number` becomes the number of the first one, or of the one that `place`
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

    /// As steal(). Without memory, who will come again finds nothing; who would take that for the end gets to
    /// know: the items may yet be given back, when nobody is left.
    bool try_steal(const prefetched_items<T>* thief, bool is_last_look) {
        try {
            return steal(thief);
        } catch (const std::bad_alloc&) {
            if (is_last_look) throw;
            return false;
        }
    }

private:
    static std::ptrdiff_t unbegun(const prefetched_items<T>& items) {
        return items.last.load(std::memory_order_relaxed) - items.begun.load(std::memory_order_relaxed);
    }

    /// The same, and that many the reader does not begin any more before it has had the lock. 0 where that cannot be
    /// known.
    static std::ptrdiff_t unbegun_for_certain(prefetched_items<T>& items) {
        // New items come only under the lock, so a look that finds nothing unbegun is final.
        if (unbegun(items) <= 0) return 0;
        items.attention.store(true, std::memory_order_seq_cst);
        return fence_every_thread() ? unbegun(items) : 0;
    }

    void count_taken(chunk& at, std::size_t items) noexcept {
        at.taken += items;
        next_number_ += items;
        taken_.store(taken_.load(std::memory_order_relaxed) + items, std::memory_order_relaxed);
    }

    /// Takes some items out of the channel, and what readers have taken and not begun; they die after the lock is
    /// free, as a destructor may take any lock, and wait.
    /// Returns: whether there were any.
    bool discard_some() {
        constexpr std::size_t most = std::clamp<std::size_t>(std::size_t{1024} / sizeof(T), 1, 16);
        struct dying {
            ~dying() { std::destroy_n(items.data(), count); }
            /// One whose move throws dies where it is.
            void take(T& item) noexcept {
                try {
                    std::construct_at(items.data() + count, std::move(item));
                    ++count;
                } catch (...) {
                }
                std::destroy_at(std::addressof(item));
            }
            raw_storage<T, most> items;
            std::size_t count = 0;
        } some;
        owning_ptr<given_back_item> first_given_back;
        bool any = false;
        const sync::lock_guard alone(take_mutex_);  // the last declared: free before the others die
        if (!given_back_.is_empty()) {
            first_given_back = given_back_.take_first();
            any = true;
        }
        for (reader_state* each = shared_.first(); each; each = shared_.next(*each)) {
            auto& items = static_cast<prefetched_items<T>&>(*each);
            for (auto left = unbegun_for_certain(items); left > 0 && some.count != most; --left) {
                T* const last = items.last.load(std::memory_order_relaxed) - 1;
                items.last.store(last, std::memory_order_relaxed);
                items.count(-1);
                some.take(*last);
                any = true;
            }
        }
        if (some.count == most) return true;
        const std::size_t taken =
            lanes_.take(chunk_size, most - some.count, [&](chunk& at, std::size_t count) {
                for (std::size_t i = 0; i != count; ++i) some.take(items_of(at)[at.taken + i]);
                count_taken(at, count);
            });
        return any || taken != 0;
    }

    struct given_back final : given_back_item {
        given_back(std::uint64_t n, T&& i) : given_back_item(n), item(std::move(i)) {}
        T item;
    };

    /// Fetches half of what one of `thief`'s siblings has taken and not begun; less if there is no memory for
    /// all of that.
    /// Returns: whether there was something.
    /// Errors: `std::bad_alloc` if there is no memory for one; all is then as it was.
    bool steal(const prefetched_items<T>* thief) {
        for (reader_state* each = shared_.first(); each; each = shared_.next(*each)) {
            auto& items = static_cast<prefetched_items<T>&>(*each);
            if (&items == thief) continue;
            const std::ptrdiff_t left = unbegun_for_certain(items);
            if (left <= 0) continue;
            T* const last = items.last.load(std::memory_order_relaxed);
            try {
                put_back(items, last - (left + 1) / 2);
            } catch (const std::bad_alloc&) {
                if (items.last.load(std::memory_order_relaxed) == last) throw;
            }
            return true;
        }
        return false;
    }

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
            count_taken(at, some);
        } else {
            while (at.taken != end) {
                T& item = items[at.taken];
                const std::uint64_t number = next_number_;
                count_taken(at, 1);  // whatever becomes of it
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
