// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_GENERATOR_HPP
#define PARALLELPIPE_GENERATOR_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/frame_memory.hpp>

#include <cassert>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

/// Makes a generator yield every element of a range: `co_yield elements_of(range)`.
/// Shape: a nested `generator<T>` of the same type is resumed directly, however deep the nesting;
///   the elements of any other rvalue container are moved, those of an lvalue copied.
template <class Range>
struct elements_of {
    Range range;
};
template <class Range>
elements_of(Range&&) -> elements_of<Range&&>;

/// A move-only, single-pass range of `T`, written as a coroutine: the return type of a stage function.
/// Shape: every `co_yield` is one element. An rvalue is moved, an lvalue copied, a value of another
///   type converted, as `std::generator` does; `*it` is a `T&&` that the reader may move from.
///   As for an Input, the next element is made when the reader dereferences an iterator or compares it with
///   `end()`; `++` only gives the element up. A second loop goes on after the last element that the reader has
///   dereferenced, and is empty after the end.
/// Threads: none of its own; the body runs in the thread that dereferences or compares.
/// Errors: an exception that leaves the body leaves `*` or the comparison with `end()`; the range is then at
///   its end. `++` and `*` past the end, and a loop over a generator that has been moved from, are assertions.
///   Dropping a generator early destroys the frame where it is suspended, destructors included.
///   g++ 12 destroys the members of `co_yield Aggregate{a, b}` twice. Name the object, `Aggregate r{a, b};
///   co_yield std::move(r);`, or give the type a constructor.
/// Cost: one coroutine frame per generator, no allocation per element.
/// Source: the shape of C++23's `std::generator` (P2502), without its allocator and reference forms.
template <class T>
class [[nodiscard]] generator : public std::ranges::view_base {
    static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> &&
                      !std::is_array_v<T>,
                  "parallelpipe: generator<T> yields values: T must not be a reference, const or an "
                  "array; write generator<std::remove_cvref_t<T>>, for an array generator<std::array<E, n>>");
    static_assert(std::is_move_constructible_v<T>,
                  "parallelpipe: generator<T> needs a T that can be moved; yield a std::unique_ptr<T>");

public:
    class promise_type;
    class iterator;

    using value_type = T;

    generator(generator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
    generator& operator=(generator&& other) noexcept {
        generator old(std::move(other));
        std::swap(coroutine_, old.coroutine_);
        return *this;
    }
    ~generator() {
        if (coroutine_) coroutine_.destroy();
    }

    /// The first element that the reader has not dereferenced. Does not run the body.
    iterator begin() {
        assert(coroutine_ &&
               "parallelpipe: this generator has been moved from; read the one it was moved to");
        return iterator(coroutine_.promise());
    }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// For the library: it reads without an iterator.
    promise_type& promise() const noexcept { return coroutine_.promise(); }

private:
    using handle = std::coroutine_handle<promise_type>;
    explicit generator(handle coroutine) noexcept : coroutine_(coroutine) {}

    handle coroutine_;
};

/// One coroutine of a stack of nested generators. The outermost one, the root, knows the innermost,
/// the leaf, and resumes it directly: an element costs the same at every depth. No coroutine transfers
/// to another by a tail call, so the machine's stack stays flat without optimisation, too.
template <class T>
class generator<T>::promise_type : public detail::frame_memory<T> {
    /// An element that was made for the yield: it lives in the frame until the next resume.
    struct held_element {
        T element;
        promise_type& promise;

        bool await_ready() const noexcept { return false; }
        void await_suspend(handle) noexcept { promise.root_->element_ = std::addressof(element); }
        void await_resume() const noexcept {}
    };

    struct nested_generator {
        generator nested;

        bool await_ready() const noexcept { return !nested.coroutine_ || nested.coroutine_.done(); }
        void await_suspend(handle outer) noexcept {
            promise_type& inner = nested.coroutine_.promise();
            promise_type& root = *outer.promise().root_;
            inner.outer_ = outer;
            root.element_ = inner.unseen();
            root.leaf_ = inner.leaf_;
            // `nested` may have begun, and be in the middle of elements_of itself.
            for (auto at = handle::from_address(inner.leaf_.address()); at != outer;
                 at = at.promise().outer_)
                at.promise().root_ = &root;
        }
        void await_resume() const {
            if (nested.coroutine_) nested.coroutine_.promise().rethrow();
        }
    };

    struct back_to_outer {
        bool await_ready() const noexcept { return false; }
        void await_suspend(handle self) noexcept {
            if (self.promise().outer_) self.promise().root_->leaf_ = self.promise().outer_;
        }
        void await_resume() const noexcept {}
    };

public:
    generator get_return_object() noexcept {
        const handle self = handle::from_promise(*this);
        leaf_ = self;
        return generator(self);
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    back_to_outer final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    // A generator yields; it cannot co_await.
    void await_transform() = delete;

    std::suspend_always yield_value(T&& element) noexcept {
        root_->element_ = std::addressof(element);
        return {};
    }

    held_element yield_value(const T& element) {
        static_assert(std::is_copy_constructible_v<T>,
                      "parallelpipe: co_yield of an lvalue copies it, and this type cannot be copied; "
                      "write co_yield std::move(x)");
        return {element, *this};
    }

    template <class U>
        requires(!std::same_as<std::remove_cvref_t<U>, T> && std::convertible_to<U, T>)
    held_element yield_value(U&& value) {
        return {static_cast<T>(std::forward<U>(value)), *this};
    }

    nested_generator yield_value(elements_of<generator&&> elements) noexcept {
        return {std::move(elements.range)};
    }

    template <std::ranges::input_range Range>
        requires(std::convertible_to<std::ranges::range_reference_t<Range>, T> ||
                 std::convertible_to<std::ranges::range_rvalue_reference_t<Range>, T>)
    nested_generator yield_value(elements_of<Range> elements) {
        return {each_of(std::forward<Range>(elements.range))};
    }

    /// For the library, before make_next(): the element that was made and not dereferenced, or the first one.
    T* first_or_next() {
        if (T* const seen = unseen()) {
            is_unseen_ = false;
            return seen;
        }
        return make_next();
    }
    /// For the library: makes the next element; null at the end.
    PARALLELPIPE_INLINE T* make_next() {
        element_ = nullptr;
        leaf_.resume();
        if (!element_) [[unlikely]]
            resume_others();
        return element_;
    }

private:
    friend generator;
    friend iterator;

    template <class Range>
    static generator each_of(Range&& range) {
        // Only the elements of a container that this generator owns are moved.
        constexpr bool is_owned =
            !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
        for (auto&& element : range) {
            if constexpr (is_owned && std::is_lvalue_reference_v<decltype(element)>)
                co_yield std::move(element);
            else
                co_yield std::forward<decltype(element)>(element);
        }
    }

    /// The element that was made and not dereferenced; null if there is none.
    T* unseen() const noexcept { return is_unseen_ ? element_ : nullptr; }

    PARALLELPIPE_INLINE T* look() {
        make_next();
        is_unseen_ = true;
        return element_;
    }
    PARALLELPIPE_RARE T* look_late() { return look(); }

    /// The leaf has made no element, so it has ended, perhaps by an exception.
    PARALLELPIPE_RARE void resume_others() {
        while (!element_ && !handle::from_promise(*this).done()) leaf_.resume();
        if (element_) return;
        leaf_ = std::noop_coroutine();  // each further look resumes it
        rethrow();
    }

    void rethrow() {
        if (exception_) [[unlikely]]
            std::rethrow_exception(std::exchange(exception_, nullptr));
    }

    // Of the root:
    T* element_ = nullptr;          // what was yielded last
    bool is_unseen_ = false;        // the reader has neither dereferenced it nor given it up
    std::coroutine_handle<> leaf_;  // the innermost generator; at the end one that does nothing
    // Of each:
    promise_type* root_ = this;  // the outermost generator
    handle outer_;               // the generator that yields this one's elements, if any
    std::exception_ptr exception_;
};

template <class T>
class generator<T>::iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator(iterator&& other) noexcept
        : promise_(std::exchange(other.promise_, nullptr)),
          element_(std::exchange(other.element_, nullptr)) {}
    iterator& operator=(iterator&& other) noexcept {
        promise_ = std::exchange(other.promise_, nullptr);
        element_ = std::exchange(other.element_, nullptr);
        return *this;
    }

    PARALLELPIPE_INLINE T&& operator*() const { return static_cast<T&&>(*operator->()); }
    PARALLELPIPE_INLINE T* operator->() const {
        if (!element_) [[unlikely]]
            element_ = promise_->look_late();
        assert(element_ && "parallelpipe: a generator's iterator is dereferenced at the end");
        promise_->is_unseen_ = false;
        return element_;
    }

    PARALLELPIPE_INLINE iterator& operator++() {
        if (!element_) [[unlikely]]
            element_ = promise_->look_late();
        assert(element_ && "parallelpipe: a generator's iterator is incremented past the end");
        promise_->is_unseen_ = false;
        element_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }

    PARALLELPIPE_INLINE friend bool operator==(const iterator& it, std::default_sentinel_t) {
        return it.is_at_end();
    }

private:
    friend generator;
    explicit iterator(promise_type& promise) noexcept
        : promise_(&promise), element_(promise.unseen()) {}

    PARALLELPIPE_INLINE bool is_at_end() const {
        if (!element_) element_ = promise_->look();
        return !element_;
    }

    promise_type* promise_;
    mutable T* element_;  // null: given up, not yet made, or at the end
};

}  // namespace parallelpipe

#endif
