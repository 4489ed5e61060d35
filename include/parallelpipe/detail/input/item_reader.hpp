// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_ITEM_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_ITEM_READER_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/channel/prefetched_items.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Told by a worker's feed which items the worker has come to, by their numbers in the stage's input.
/// `end` is one past the last number that it has begun.
class item_listener {
public:
    virtual ~item_listener() = default;

    /// The worker begins `first`, and then the numbers behind it, until the next call.
    /// Blocks: while `first` is too far ahead of what other workers do.
    /// Errors: `std::bad_alloc`, and `stop_unwind` if the run was stopped meanwhile; it has begun then all the same.
    virtual void begins(std::uint64_t first, std::uint64_t end) = 0;
    /// The same for an item that never came into its hands: moving it there failed. Throws nothing.
    virtual void loses(std::uint64_t number, std::uint64_t end) = 0;
    /// The worker has to wait for its next item.
    virtual void pauses(std::uint64_t end) = 0;
    /// The worker has seen the end of the items.
    virtual void ends(std::uint64_t end) = 0;
};

class item_reader_base {
public:
    item_reader_base() = default;
    item_reader_base(const item_reader_base&) = delete;
    item_reader_base& operator=(const item_reader_base&) = delete;
    virtual ~item_reader_base() = default;

    /// The reader wants no more: items that it has not begun go back to where others find them.
    virtual void give_back() {}

    /// Reads to the end and ignores what comes.
    virtual void drain() = 0;

    /// The number of the item in hand, or of the last one that was; of the item itself if moving it
    /// into the reader's hands failed.
    virtual std::uint64_t number_in_hand() const { return 0; }

    /// Whether there has been an item yet.
    virtual bool has_taken() const { return false; }

    /// Whether that item has been given back and waits for another taker.
    virtual bool is_given_back(std::uint64_t /*number*/) { return false; }

    /// Whether that item waits and nobody else can take it.
    virtual bool waits_for_this_reader(std::uint64_t /*number*/) { return false; }

    /// Whether this reader may still get items in front of that one, although it has come behind it.
    virtual bool may_get_items_before(std::uint64_t /*number*/) { return false; }

    /// From now on the items are those of a stage inside a fused one: its stop ends their reading, too, in whatever
    /// thread. Without a stop: they are not any more.
    virtual void read_by(sync::stop_token /*inner_stage*/) {}

    /// The reader that begins is the last one: after it, nothing is read here.
    virtual void last_reader_comes() {}

    /// A loop over the items begins, in the calling thread.
    /// Errors: `std::system_error` if a thread that this needs cannot be started.
    virtual void arrive() {}

    /// Who reads here hands the items on and returns their slots.
    virtual void keep_slots() {}

    /// What is read counts as what `who` has taken.
    virtual void count_for(worker_counters* /*who*/) {}

    /// From now on `listener` is told; null is nobody. (Inlined, g++ 12 warns of a dangling pointer at -O2: it does
    /// not see that a listener takes itself back.)
    PARALLELPIPE_RARE void listen(item_listener* listener) noexcept { listener_ = listener; }
    item_listener* listener() const noexcept { return listener_; }

    /// The reader is noexcept and cannot be unwound: when the run is stopped, its items just end.
    void end_quietly() noexcept { quiet_ = true; }
    bool ends_quietly() const noexcept { return quiet_; }

protected:
    item_listener* listener_ = nullptr;
    bool quiet_ = false;
};

/// Where an Input or a Results reads from: items lie ready in a buffer, and the owner of the buffer is
/// asked only at a milestone, which it chooses: once per bulk, not once per item.
///
/// The next item is begun when somebody looks: at it, or whether there is one. Going on from an item
/// only gives that one up. So who takes n items waits for n, not for n + 1.
template <class T>
class item_reader : public item_reader_base {
public:
    /// Goes to the first item that the reader has not looked at. After the end, the next look is a new one:
    /// siblings may have given items back.
    void begin() {
        this->arrive();
        if (hand_ == hand::seen)
            next();
        else if (hand_ == hand::at_end)
            hand_ = hand::empty;
    }

    /// Whether there is no next item. Blocks until that is known. The end stays the end until begin().
    /// Errors: what moving the next item throws; stop_unwind if the run was stopped.
    PARALLELPIPE_INLINE bool at_end() {
        if (is_ready()) return false;
        if (current_ != checkpoint_) [[likely]] {
            begin_item();
            if (!needs_attention()) [[likely]]
                return false;
        }
        checkpoint();
        if (is_ready()) [[likely]]
            return false;
        meet_end();
        return true;
    }

    /// The item in hand. Blocks and throws like at_end().
    PARALLELPIPE_INLINE T& item() {
        if (!is_ready()) [[unlikely]]
            look();
        hand_ = hand::seen;
        return *current_;
    }

    /// Calls `f(item)` for one item after the other, until it returns false or they end.
    template <class F>
    PARALLELPIPE_INLINE void each(F f) {
        begin();
        while (!at_end()) {
            // Without rivals, what lies ready can be nobody else's: nobody has to be told of each.
            T* const end = has_rivals_ ? current_ + 1 : checkpoint_;
            hand_ = hand::seen;
            {
                position at(*this);
                do {
                    if (!f(*at.item)) return;
                    std::destroy_at(at.item);
                    ++at.item;
                } while (at.item != end && !needs_attention());
            }
            place(current_, hand::empty, checkpoint_);
        }
    }

    void count_for(worker_counters* who) final { taken_.count_for(who); }

    void drain() final {
        for (begin(); !at_end();) next();
    }

    /// The item in hand and those behind it that lie ready, `most` at most: all of them come into the
    /// reader's hands. Blocks and throws like at_end(). Empty at the end.
    std::span<T> bulk(std::size_t most) {
        if (hand_ == hand::at_end) begin();
        if (at_end()) return {};
        auto count = std::min(static_cast<std::ptrdiff_t>(most), checkpoint_ - current_);
        taken_.begun.store(current_ + count, std::memory_order_relaxed);
        sync::atomic_signal_fence(std::memory_order_seq_cst);
        if (needs_attention()) [[unlikely]] {
            // Somebody may have taken them; only the one in hand is certain.
            count = 1;
            taken_.begun.store(current_ + count, std::memory_order_relaxed);
        }
        return {current_, static_cast<std::size_t>(count)};
    }

    /// Gives the first `count` items of the bulk up.
    void skip(std::size_t count) {
        std::destroy_n(current_, count);
        current_ += count;
        hand_ = taken_.begun.load(std::memory_order_relaxed) == current_ ? hand::empty : hand::unseen;
    }

    /// Gives the item in hand up.
    PARALLELPIPE_INLINE void next() {
        if (!is_ready()) [[unlikely]]
            look();
        hand_ = hand::empty;
        std::destroy_at(current_);
        ++current_;
    }

protected:
    item_reader() = default;
    ~item_reader() override { destroy_items(); }

    /// Called when current_ has reached checkpoint_, or when the reader has to pay attention. Leaves
    /// current_ at an item that has been begun, or no item in hand at the end. With hand::at_end it finds none.
    virtual void checkpoint() = 0;

    T* last() const noexcept { return taken_.last.load(std::memory_order_relaxed); }

    PARALLELPIPE_INLINE bool is_ready() const noexcept { return hand_ <= hand::seen; }

    /// What the reader has in hand: the item at current_, or nothing; and then whether it has met the end.
    enum class hand : unsigned char { unseen, seen, empty, at_end };

    /// The one setter of where the reader is: at `item`, with `what` in hand, and milestone() due at `until`.
    /// Only begin_item() and next(), which every item pays for, set less.
    void place(T* item, hand what, T* until) noexcept {
        current_ = item;
        hand_ = what;
        checkpoint_ = until;
        taken_.begun.store(is_ready() ? item + 1 : item, std::memory_order_relaxed);
    }

    /// The item at current_ comes into the reader's hands.
    PARALLELPIPE_INLINE void begin_item() noexcept {
        taken_.begun.store(current_ + 1, std::memory_order_relaxed);
        sync::atomic_signal_fence(std::memory_order_seq_cst);
        hand_ = hand::unseen;
    }

    /// The reader has no item left: what it took ahead, siblings may have taken over.
    void place_at_last() noexcept { place(current_, hand::empty, current_); }

    PARALLELPIPE_INLINE bool needs_attention() const noexcept {
        return taken_.attention.load(std::memory_order_relaxed);
    }

    /// A first item was put at `item`: it is begun at once.
    void restart_at(T* item) noexcept {
        place(item, hand::unseen, item + 1);
        taken_.last.store(item + 1, std::memory_order_relaxed);
    }

    /// Takes what lies ready, from current_ on, out of the reach of other threads; under the lock under which they
    /// look, if there is one. What was not begun has not been taken.
    /// Returns: the end of it, for destroy_to().
    T* withdraw() noexcept {
        T* const end = last();
        taken_.count(-static_cast<std::ptrdiff_t>(taken_.ahead()));
        taken_.last.store(current_, std::memory_order_relaxed);
        place_at_last();
        return end;
    }
    /// Destroys what was withdrawn. Without a lock: a destructor may take any, and wait.
    void destroy_to(T* end) noexcept {
        std::destroy(current_, end);
        place(end, hand::empty, end);
        taken_.last.store(end, std::memory_order_relaxed);
    }
    void destroy_items() noexcept { destroy_to(withdraw()); }

    T* current_ = nullptr;    // the item in hand, or the next
    T* checkpoint_ = nullptr;  // where milestone() is due; thieves may take the items before it
    hand hand_ = hand::empty;
    bool has_rivals_ = true;  // others may take what was not begun
    prefetched_items<T> taken_;

private:
    /// current_ in a loop, where the compiler can keep it in a register. Written back however the loop ends.
    struct position {
        explicit position(item_reader& of) noexcept : item(of.current_), of_(of) {}
        ~position() {
            of_.current_ = item;
            of_.taken_.begun.store(item + 1, std::memory_order_relaxed);
        }
        position(const position&) = delete;
        position& operator=(const position&) = delete;

        T* item;

    private:
        item_reader& of_;
    };

    PARALLELPIPE_RARE void meet_end() noexcept { place(current_, hand::at_end, current_); }

    PARALLELPIPE_RARE void look() {
        [[maybe_unused]] const bool ended = at_end();
        assert(!ended && "parallelpipe: * or ++ after the last item; compare with end() first");
    }
};

/// Makes an Input that nobody reads from.
struct no_items {};

/// How many items a reader takes at once: about 4 KiB of them.
template <class T>
inline constexpr std::size_t bulk_items =
    std::clamp<std::size_t>(std::size_t{4096} / sizeof(T), 1, 256);

/// The items of a range, one at a time.
template <class T, std::ranges::view View>
class range_reader final : public item_reader<T> {
public:
    explicit range_reader(View view) : view_(std::move(view)) {}

private:
    void checkpoint() override {
        if (!position_)
            position_.emplace(std::ranges::begin(view_));
        else if (*position_ != std::ranges::end(view_))
            ++*position_;
        if (*position_ == std::ranges::end(view_)) return;
        std::construct_at(slot_.data(), take_element<View>(*position_));
        this->restart_at(slot_.data());
    }

    View view_;
    std::optional<std::ranges::iterator_t<View>> position_;
    raw_storage<T, 1> slot_;
};

/// The iterator of Input and of Results.
template <class T>
class item_iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    item_iterator() = default;
    explicit item_iterator(item_reader<T>* source) noexcept : source_(source) {}

    PARALLELPIPE_INLINE T& operator*() const { return source_->item(); }
    T* operator->() const { return std::addressof(source_->item()); }
    PARALLELPIPE_INLINE item_iterator& operator++() {
        source_->next();
        return *this;
    }
    void operator++(int) { source_->next(); }

    PARALLELPIPE_INLINE friend bool operator==(const item_iterator& it, std::default_sentinel_t) {
        return it.source_->at_end();
    }

private:
    item_reader<T>* source_ = nullptr;
};

}  // namespace parallelpipe::detail

#endif
