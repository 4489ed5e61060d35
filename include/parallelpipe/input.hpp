#ifndef PARALLELPIPE_INPUT_HPP
#define PARALLELPIPE_INPUT_HPP

#include <parallelpipe/concepts.hpp>
#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/raw_storage.hpp>
#include <parallelpipe/detail/taken_items.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// Thrown through a stage function that asks for its next item after the run was stopped: the way to
/// unwind it where it stands. Deliberately not a std::exception. Its worker catches it.
struct stop_unwind {};

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

class feed_base {
public:
    feed_base() = default;
    feed_base(const feed_base&) = delete;
    feed_base& operator=(const feed_base&) = delete;
    virtual ~feed_base() = default;

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
    virtual void read_by(std::stop_token /*inner_stage*/) {}

    /// The reader that begins is the last one: after it, nothing is read here.
    virtual void last_reader_comes() {}

    /// A loop over the items begins, in the calling thread.
    /// Errors: `std::system_error` if a thread that this needs cannot be started.
    virtual void arrive() {}

    /// Who reads here hands the items on and returns their slots.
    virtual void keep_slots() {}

    /// What is read counts as what `who` has taken.
    virtual void count_for(meter* /*who*/) {}

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
class feed : public feed_base {
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
        if (current_ != milestone_) [[likely]] {
            begin_item();
            if (!needs_attention()) [[likely]]
                return false;
        }
        milestone();
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
            T* const end = has_rivals_ ? current_ + 1 : milestone_;
            hand_ = hand::seen;
            {
                position at(*this);
                do {
                    if (!f(*at.item)) return;
                    std::destroy_at(at.item);
                    ++at.item;
                } while (at.item != end && !needs_attention());
            }
            place(current_, hand::empty, milestone_);
        }
    }

    void count_for(meter* who) final { taken_.count_for(who); }

    void drain() final {
        for (begin(); !at_end();) next();
    }

    /// The item in hand and those behind it that lie ready, `most` at most: all of them come into the
    /// reader's hands. Blocks and throws like at_end(). Empty at the end.
    std::span<T> bulk(std::size_t most) {
        if (hand_ == hand::at_end) begin();
        if (at_end()) return {};
        auto count = std::min(static_cast<std::ptrdiff_t>(most), milestone_ - current_);
        taken_.begun.store(current_ + count, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
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
    feed() = default;
    ~feed() override { destroy_items(); }

    /// Called when current_ has reached milestone_, or when the reader has to pay attention. Leaves
    /// current_ at an item that has been begun, or no item in hand at the end. With hand::at_end it finds none.
    virtual void milestone() = 0;

    T* last() const noexcept { return taken_.last.load(std::memory_order_relaxed); }

    PARALLELPIPE_INLINE bool is_ready() const noexcept { return hand_ <= hand::seen; }

    /// What the reader has in hand: the item at current_, or nothing; and then whether it has met the end.
    enum class hand : unsigned char { unseen, seen, empty, at_end };

    /// The one setter of where the reader is: at `item`, with `what` in hand, and milestone() due at `until`.
    /// Only begin_item() and next(), which every item pays for, set less.
    void place(T* item, hand what, T* until) noexcept {
        current_ = item;
        hand_ = what;
        milestone_ = until;
        taken_.begun.store(is_ready() ? item + 1 : item, std::memory_order_relaxed);
    }

    /// The item at current_ comes into the reader's hands.
    PARALLELPIPE_INLINE void begin_item() noexcept {
        taken_.begun.store(current_ + 1, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
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
    T* milestone_ = nullptr;  // where milestone() is due; thieves may take the items before it
    hand hand_ = hand::empty;
    bool has_rivals_ = true;  // others may take what was not begun
    taken_items<T> taken_;

private:
    /// current_ in a loop, where the compiler can keep it in a register. Written back however the loop ends.
    struct position {
        explicit position(feed& of) noexcept : item(of.current_), of_(of) {}
        ~position() {
            of_.current_ = item;
            of_.taken_.begun.store(item + 1, std::memory_order_relaxed);
        }
        position(const position&) = delete;
        position& operator=(const position&) = delete;

        T* item;

    private:
        feed& of_;
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
class range_feed final : public feed<T> {
public:
    explicit range_feed(View view) : view_(std::move(view)) {}

private:
    void milestone() override {
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
class feed_iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    feed_iterator() = default;
    explicit feed_iterator(feed<T>* source) noexcept : source_(source) {}

    PARALLELPIPE_INLINE T& operator*() const { return source_->item(); }
    T* operator->() const { return std::addressof(source_->item()); }
    PARALLELPIPE_INLINE feed_iterator& operator++() {
        source_->next();
        return *this;
    }
    void operator++(int) { source_->next(); }

    PARALLELPIPE_INLINE friend bool operator==(const feed_iterator& it, std::default_sentinel_t) {
        return it.source_->at_end();
    }

private:
    feed<T>* source_ = nullptr;
};

}  // namespace detail

/// The items that one worker takes: the first parameter of a stage function.
/// Shape: a move-only, single-pass range; `*it` is a `T&` that belongs to the worker, who may move
///   from it. The item is destroyed when the next one is asked for. `begin()` may be called again:
///   it goes on after the last item that was looked at, so a second loop continues the first. An iterator
///   that has met the end stays there; after the end, `begin()` looks once more whether a sibling that
///   returned early has left items.
/// Threads: one worker's own.
/// Blocks: comparing with `end()` and `*`, until the stages before yield something or have all ended.
///   When the run is stopped, they unwind the stage function instead.
/// Errors: none of other stages: a loop that ends normally has seen all that this worker will get.
template <class T>
class Input : public std::ranges::view_base {
    static_assert(detail::can_be_item<T>,
                  "parallelpipe: Input<T> hands out values: T must be an object type that can be "
                  "moved, not a reference and not const; write Input<std::remove_cvref_t<T>>, and for what cannot be "
                  "moved Input<std::unique_ptr<T>>");

public:
    using value_type = T;
    using iterator = detail::feed_iterator<T>;

    /// The items of any range, so that a stage function can be called without a pipeline:
    /// `add_n(Input<int>(std::vector{1, 2, 3}), 7)`. An lvalue is referred to and its elements are
    /// copied; an rvalue is owned and its elements are moved.
    template <class Range>
        requires(!std::same_as<std::remove_cvref_t<Range>, Input> &&  // first: it ends the recursion
                 std::ranges::viewable_range<Range> && std::ranges::input_range<Range> &&
                 std::convertible_to<detail::taken_element_t<std::views::all_t<Range>>, T>)
    explicit Input(Range&& range)
        : owned_(new detail::range_feed<T, std::views::all_t<Range>>(
              std::views::all(std::forward<Range>(range)))),
          source_(static_cast<detail::feed<T>*>(owned_.get())) {}

    /// For the library: reads from `source`, which outlives the Input.
    explicit Input(detail::feed<T>& source) noexcept : source_(&source) {}
    /// For the library: nobody reads from it.
    explicit Input(detail::no_items) noexcept : source_(nullptr) {}

    Input(Input&& other) noexcept = default;
    Input& operator=(Input&& other) noexcept = default;

    iterator begin() {
        source_->begin();
        return iterator(source_);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// For the library.
    detail::feed<T>& source() const noexcept { return *source_; }

private:
    detail::owned<detail::feed_base> owned_;
    detail::feed<T>* source_;
};

}  // namespace parallelpipe

#endif
