#ifndef PARALLELPIPE_DETAIL_CHANNEL_FEED_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_FEED_HPP

#include <parallelpipe/channel.hpp>
#include <parallelpipe/input.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace parallelpipe::detail {

/// How many items a worker with siblings takes at once: one at first, more while what it took last
/// was worked off quickly, one again as soon as it was not. So it never sits on more than about
/// `worth` of work that an idle sibling could do, and cheap items cost one look per bulk.
class look_ahead {
public:
    explicit look_ahead(std::size_t limit) noexcept : limit_(limit) {}

    /// How many to take now. Called when the last bulk has been worked off.
    std::size_t next(std::size_t taken_last) noexcept {
        if (taken_last == 0 || limit_ == 1) return size_;
        const auto spent = clock::now() - since_;
        if (spent > worth)
            size_ = 1;
        else if (2 * spent < worth && taken_last == size_)
            size_ = std::min(2 * size_, limit_);
        return size_;
    }

    /// Work on what was taken begins.
    void begin() noexcept {
        if (limit_ != 1) since_ = clock::now();
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::microseconds worth{20};

    std::size_t limit_;
    std::size_t size_ = 1;
    clock::time_point since_{};
};

/// What one worker reads: items of a channel of T, taken in bulk, seen as items of In.
///
/// Slots: an item that was taken ahead still waits, so it keeps its slot until it comes into the
/// reader's hands. Slots are returned in strides, and all of them before the worker sleeps.
template <class T, class In>
class channel_feed : public feed<In> {
public:
    channel_feed(Channel<T>& from, std::size_t readers)
        : feed<In>(from.aborted()),
          channel_(from),
          consumer_(from),
          has_siblings_(readers > 1),
          // Items that were converted cannot go back to siblings.
          look_ahead_(has_siblings_ && !std::same_as<T, In> ? 1 : bulk_size) {}

    ~channel_feed() override { forget_ahead(); }

    void give_back() override {
        if constexpr (std::same_as<T, In>) {
            if (!has_siblings_ || this->at_end()) return;
            // The first one is in hand: it was begun.
            channel_.give_back(this->current_ + 1, this->last_);
            this->destroy_items();
            return_room_of_begun();
            forget_ahead();
        }
    }

protected:
    /// The stream has ended, by itself or by a stop.
    virtual void ended() {
        if (this->stopped() && !this->quiet_) throw stop_unwind{};
    }

    /// Fills the buffer, when all that was in it has been worked off.
    /// Returns: false at the end of the stream.
    virtual bool refill();

private:
    /// About 4 KiB of items; one if moving can throw, so that a throwing item takes no other along.
    static constexpr std::size_t bulk_size =
        std::is_nothrow_constructible_v<In, T&&>
            ? std::clamp<std::size_t>(std::size_t{4096} / sizeof(In), 1, 64)
            : 1;

    void milestone() override {
        if (this->stopped()) {
            this->destroy_items();
            ended();
            return;
        }
        if (this->current_ == this->last_) {
            if (!refill()) ended();
            return;
        }
        return_room_of_begun();
        set_milestone();
    }

    /// The next moment to return slots or to take more items; for a worker with siblings also the one
    /// when it holds nothing unbegun any more.
    void set_milestone() {
        if (holds_ahead_ && this->current_ + 1 == this->last_) forget_ahead();
        std::ptrdiff_t ahead = this->last_ - this->current_;
        if (holds_ahead_) --ahead;
        this->milestone_ = this->current_ + std::min(ahead, stride());
    }

    std::ptrdiff_t stride() const noexcept {
        return channel_.capacity() == 0 ? std::ptrdiff_t{bulk_size} : channel_.return_stride();
    }

    /// Everything up to the item in hand has been begun.
    void return_room_of_begun() {
        In* begun = this->current_ == this->last_ ? this->last_ : this->current_ + 1;
        channel_.return_room(begun - returned_);
        returned_ = begun;
    }

    void forget_ahead() {
        if (std::exchange(holds_ahead_, false)) channel_.begun_all_taken();
    }

    In* buffer_begin() noexcept { return buffer_.data(); }

    Channel<T>& channel_;
    typename Channel<T>::Consumer consumer_;
    const bool has_siblings_;
    look_ahead look_ahead_;
    bool began_ = false;        // the buffer was filled at least once since the stream's last pause
    bool holds_ahead_ = false;  // counted in the channel as one who holds unbegun items
    In* returned_ = nullptr;    // the slots of all items before this one have been returned
    raw_storage<In, bulk_size> buffer_;
};

template <class T, class In>
bool channel_feed<T, In>::refill() {
    const std::size_t begun = static_cast<std::size_t>(this->last_ - buffer_begin());
    const std::size_t most = has_siblings_
                                 ? consumer_.fair_share(look_ahead_.next(began_ ? begun : 0))
                                 : bulk_size;
    forget_ahead();
    std::ptrdiff_t owed = began_ ? this->last_ - returned_ : 0;
    began_ = false;
    this->current_ = this->last_ = returned_ = buffer_begin();
    const auto place = [this](T&& item) noexcept(std::is_nothrow_constructible_v<In, T&&>) {
        if constexpr (std::same_as<T, In>)
            std::construct_at(this->last_, std::move(item));
        else
            std::construct_at(this->last_, static_cast<In>(std::move(item)));
        ++this->last_;
    };
    std::size_t taken = 0;
    try {
        taken =
            consumer_.take(most, place, [&] { channel_.return_room(std::exchange(owed, 0)); });
    } catch (...) {
        channel_.return_room(owed + 1);  // the item that could not be moved is lost, not its slot
        throw;
    }
    if (taken == 0) {
        channel_.return_room(owed);
        return false;
    }
    began_ = true;
    holds_ahead_ = has_siblings_ && taken > 1;
    // The first one comes into hand at once.
    channel_.return_room(owed + 1);
    returned_ = this->current_ + 1;
    set_milestone();
    if (has_siblings_) look_ahead_.begin();
    return true;
}

}  // namespace parallelpipe::detail

#endif
