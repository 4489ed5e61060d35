// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_OWNING_PTR_HPP
#define PARALLELPIPE_DETAIL_BASE_OWNING_PTR_HPP

// std::unique_ptr for what a run is made of. Each type that std::unique_ptr points to costs every program
// some 35 small functions and a dozen classes, for a deleter that nobody here has: a run's twenty of them
// were a tenth of the time the first example took to compile. These are plain pointers that delete.

#include <cstddef>
#include <type_traits>

namespace parallelpipe::inline v0::detail {

/// The one owner of an object, or null. What `std::unique_ptr<T>` is, with `delete` and nothing else.
/// Threads: one at a time.
template <class T>
class owning_ptr {
public:
    constexpr owning_ptr() noexcept = default;
    constexpr owning_ptr(std::nullptr_t) noexcept {}
    constexpr explicit owning_ptr(T* object) noexcept : object_(object) {}
    owning_ptr(owning_ptr&& from) noexcept : object_(from.release()) {}
    template <class Derived>
        requires(std::is_convertible_v<Derived*, T*>)
    owning_ptr(owning_ptr<Derived>&& from) noexcept : object_(from.release()) {}
    owning_ptr& operator=(owning_ptr&& from) noexcept {
        reset(from.release());
        return *this;
    }
    ~owning_ptr() { delete object_; }

    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

    /// Hands the object over to the caller.
    [[nodiscard]] T* release() noexcept {
        T* const object = object_;
        object_ = nullptr;
        return object;
    }
    void reset(T* object = nullptr) noexcept {
        const T* const old = object_;
        object_ = object;
        delete old;
    }

private:
    T* object_ = nullptr;
};

/// The one owner of an array whose elements stay where they are: atomics, and what holds some.
/// Threads: one at a time; its elements by themselves.
template <class T>
class owning_ptr<T[]> {
public:
    constexpr owning_ptr() noexcept = default;
    explicit owning_ptr(std::size_t size) : elements_(new T[size]()) {}
    owning_ptr(owning_ptr&& from) noexcept : elements_(from.elements_) { from.elements_ = nullptr; }
    owning_ptr& operator=(owning_ptr&& from) noexcept {
        const T* const old = elements_;
        elements_ = from.elements_;
        from.elements_ = nullptr;
        delete[] old;
        return *this;
    }
    ~owning_ptr() { delete[] elements_; }

    T* get() const noexcept { return elements_; }
    T& operator[](std::size_t i) const noexcept { return elements_[i]; }

private:
    T* elements_ = nullptr;
};

}  // namespace parallelpipe::detail

#endif
