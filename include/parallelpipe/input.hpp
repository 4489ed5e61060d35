#ifndef PARALLELPIPE_INPUT_HPP
#define PARALLELPIPE_INPUT_HPP

#include <parallelpipe/concepts.hpp>

#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// Thrown through a stage function that asks for its next item after the run was stopped: the way to
/// unwind it where it stands. Deliberately not a std::exception. Its worker catches it.
struct stop_unwind {};

class feed_base {
public:
    feed_base() = default;
    feed_base(const feed_base&) = delete;
    feed_base& operator=(const feed_base&) = delete;
    virtual ~feed_base() = default;

    /// The reader wants no more: items that it has not begun go back to where others find them.
    virtual void give_back() {}

    /// The reader is noexcept and cannot be unwound: when the run is stopped, its items just end.
    void end_quietly() noexcept { quiet_ = true; }

protected:
    bool quiet_ = false;
};

/// Where an Input or a Results reads from: items lie ready in [current_, last_), and the owner of
/// the memory is asked only at a milestone, which it chooses: once per bulk, not once per item.
///
/// The item at current_ is in the reader's hands until next() destroys it.
template <class T>
class feed : public feed_base {
public:
    /// Goes to the first item that the reader has not looked at. Blocks like next().
    void begin() {
        if (current_ == last_)
            milestone();
        else if (seen_)
            next();
    }

    bool at_end() const noexcept { return current_ == last_; }

    T& item() noexcept {
        seen_ = true;
        return *current_;
    }

    /// Destroys the item in hand and goes to the next. Blocks while there is none.
    /// Errors: what moving the next item throws; stop_unwind if the run was stopped.
    void next() {
        seen_ = false;
        std::destroy_at(current_);
        ++current_;
        if (current_ == milestone_ || stop_->load(std::memory_order_relaxed)) [[unlikely]]
            milestone();
    }

protected:
    explicit feed(const std::atomic<bool>& stop) noexcept : stop_(&stop) {}

    ~feed() override { destroy_items(); }

    /// Called at the start, when current_ has reached milestone_, or when the run was stopped.
    /// Leaves current_ at an item, or equal to last_ at the end of the stream, then and ever after.
    virtual void milestone() = 0;

    void destroy_items() noexcept {
        std::destroy(current_, last_);
        current_ = last_;
    }

    bool stopped() const noexcept { return stop_->load(std::memory_order_relaxed); }

    T* current_ = nullptr;
    T* milestone_ = nullptr;
    T* last_ = nullptr;

private:
    bool seen_ = false;
    const std::atomic<bool>* stop_;
};

/// Memory for `Count` objects that are made and destroyed elsewhere.
template <class T, std::size_t Count>
class raw_storage {
public:
    T* data() noexcept { return reinterpret_cast<T*>(bytes_); }

private:
    alignas(T) std::byte bytes_[sizeof(T) * Count];
};

inline constexpr std::atomic<bool> never_stopped{false};

/// The items of a range, one at a time.
template <class T, std::ranges::view View>
class range_feed final : public feed<T> {
public:
    explicit range_feed(View view) : feed<T>(never_stopped), view_(std::move(view)) {}

private:
    void milestone() override {
        if (!position_)
            position_.emplace(std::ranges::begin(view_));
        else if (*position_ != std::ranges::end(view_))
            ++*position_;
        if (*position_ == std::ranges::end(view_)) return;
        std::construct_at(slot_.data(), take_element<View>(*position_));
        this->current_ = slot_.data();
        this->last_ = this->milestone_ = slot_.data() + 1;
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

    T& operator*() const noexcept { return source_->item(); }
    T* operator->() const noexcept { return std::addressof(source_->item()); }
    feed_iterator& operator++() {
        source_->next();
        return *this;
    }
    void operator++(int) { source_->next(); }

    friend bool operator==(const feed_iterator& it, std::default_sentinel_t) noexcept {
        return it.source_->at_end();
    }

private:
    feed<T>* source_ = nullptr;
};

}  // namespace detail

/// The items that one worker takes: the first parameter of a stage function.
/// Shape: a move-only, single-pass range; `*it` is a `T&` that belongs to the worker, who may move
///   from it. The item is destroyed when the next one is asked for. `begin()` may be called again:
///   it goes on behind the last item that was looked at, so a second loop continues the first.
/// Threads: one worker's own.
/// Blocks: `begin()` and `++`, until the stages before yield something or have all ended. When the
///   run is stopped, they unwind the stage function instead.
/// Errors: none of other stages: a loop that ends normally has seen all that this worker will get.
template <class T>
class Input : public std::ranges::view_base {
    static_assert(Item<T>,
                  "parallelpipe: Input<T> hands out values: T must be an object type that can be "
                  "moved, not a reference and not const; write Input<std::remove_cvref_t<T>>");

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
        : owned_(std::make_unique<detail::range_feed<T, std::views::all_t<Range>>>(
              std::views::all(std::forward<Range>(range)))),
          source_(static_cast<detail::feed<T>*>(owned_.get())) {}

    /// For the library: reads from `source`, which outlives the Input.
    explicit Input(detail::feed<T>& source) noexcept : source_(&source) {}

    Input(Input&& other) noexcept = default;
    Input& operator=(Input&& other) noexcept = default;

    iterator begin() {
        source_->begin();
        return iterator(source_);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    std::unique_ptr<detail::feed_base> owned_;
    detail::feed<T>* source_;
};

}  // namespace parallelpipe

#endif
