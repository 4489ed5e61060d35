#ifndef PARALLELPIPE_GENERATOR_HPP
#define PARALLELPIPE_GENERATOR_HPP

#include <parallelpipe/detail/config.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// Where the frames of a generator<T> come from. A compiler may allocate them as if nothing in them
/// was over-aligned (g++ does); then a T in the frame would lie wrong.
template <class T, bool OverAligned = (alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)>
class frame_memory {};

template <class T>
class frame_memory<T, true> {
public:
    static void* operator new(std::size_t size) {
        return ::operator new(size, std::align_val_t(alignof(T)));
    }
    // Not the form with a size: clang before 19 has that one only with -fsized-deallocation.
    static void operator delete(void* frame) {
        ::operator delete(frame, std::align_val_t(alignof(T)));
    }
};

}  // namespace detail

/// Asks a generator to yield every element of a range: `co_yield elements_of(range)`.
/// Shape: a nested `generator<T>` of the same type is resumed directly, however deep the nesting;
/// the elements of any other rvalue container are moved, those of an lvalue copied.
template <class Range>
struct elements_of {
    Range range;
};
template <class Range>
elements_of(Range&&) -> elements_of<Range&&>;

/// A move-only, single-pass range of `T`, written as a coroutine: the return type of a stage function.
/// Shape: every `co_yield` is one element. An rvalue is moved, an lvalue copied, a value of another
///   type converted, as `std::generator` does; `*it` is a `T&&` that the reader may move from.
/// Threads: none of its own; the body runs inside `begin()` and `++` of whoever iterates.
/// Errors: an exception that leaves the body leaves `begin()` or `++`; the range is then at its end.
///   Dropping a generator early destroys the frame where it is suspended, destructors included.
/// Cost: one coroutine frame per generator, no allocation per element.
/// Source: the shape of C++23's `std::generator` (P2502), without its allocator and reference forms.
template <class T>
class [[nodiscard]] generator : public std::ranges::view_base {
    static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> &&
                      !std::is_array_v<T>,
                  "parallelpipe: generator<T> yields values: T must not be a reference, const or an "
                  "array; write generator<std::remove_cvref_t<T>>");
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

    /// Runs the body to its first `co_yield`. To be called once, as for every single-pass range.
    iterator begin() {
        coroutine_.promise().resume();
        return iterator(coroutine_);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    using handle = std::coroutine_handle<promise_type>;
    explicit generator(handle coroutine) noexcept : coroutine_(coroutine) {}

    handle coroutine_;
};

/// One coroutine of a stack of nested generators. The outermost one, the root, knows the innermost,
/// the leaf, and resumes it directly: an element costs the same at every depth. Nothing transfers
/// from one coroutine to another by a tail call, so the machine's stack stays flat without
/// optimisation too.
template <class T>
class generator<T>::promise_type : public detail::frame_memory<T> {
    /// An element that had to be made for the yield: it lives in the frame until the next resume.
    struct held_element {
        T element;
        promise_type& promise;

        bool await_ready() const noexcept { return false; }
        void await_suspend(handle) noexcept { promise.root_->element_ = std::addressof(element); }
        void await_resume() const noexcept {}
    };

    struct nested_generator {
        generator nested;

        bool await_ready() const noexcept { return !nested.coroutine_; }
        void await_suspend(handle outer) noexcept {
            promise_type& inner = nested.coroutine_.promise();
            inner.root_ = outer.promise().root_;
            inner.outer_ = outer;
            inner.root_->leaf_ = nested.coroutine_;
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
        leaf_ = handle::from_promise(*this);
        return generator(leaf_);
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    back_to_outer final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    // A generator yields; it does not wait for anything.
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

private:
    friend generator;
    friend iterator;

    template <class Range>
    static generator each_of(Range&& range) {
        // Only a container that nobody else can see gives its elements away.
        constexpr bool owned =
            !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
        for (auto&& element : range) {
            if constexpr (owned && std::is_lvalue_reference_v<decltype(element)>)
                co_yield std::move(element);
            else
                co_yield std::forward<decltype(element)>(element);
        }
    }

    PARALLELPIPE_INLINE void resume() {
        element_ = nullptr;
        leaf_.resume();
        if (!element_) [[unlikely]]
            resume_others();
    }

    /// Without an element the leaf has ended, by an exception or not.
    PARALLELPIPE_RARE void resume_others() {
        while (!element_ && !handle::from_promise(*this).done()) leaf_.resume();
        rethrow();
    }

    void rethrow() {
        if (exception_) [[unlikely]]
            std::rethrow_exception(std::exchange(exception_, nullptr));
    }

    T* element_ = nullptr;           // of the root: what was yielded last
    promise_type* root_ = this;      // the outermost generator
    handle leaf_;                    // of the root: the innermost generator
    handle outer_;                   // the generator that yields this one's elements, if any
    std::exception_ptr exception_;
};

template <class T>
class generator<T>::iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    iterator(iterator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
    iterator& operator=(iterator&& other) noexcept {
        coroutine_ = std::exchange(other.coroutine_, {});
        return *this;
    }

    T&& operator*() const noexcept { return static_cast<T&&>(*coroutine_.promise().element_); }
    T* operator->() const noexcept { return coroutine_.promise().element_; }

    PARALLELPIPE_INLINE iterator& operator++() {
        coroutine_.promise().resume();
        return *this;
    }
    void operator++(int) { ++*this; }

    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
        return it.is_at_end();
    }

private:
    friend generator;
    explicit iterator(handle coroutine) noexcept : coroutine_(coroutine) {}

    /// resume() comes back with an element or from the end.
    bool is_at_end() const noexcept { return !coroutine_.promise().element_; }

    handle coroutine_;
};

}  // namespace parallelpipe

#endif
