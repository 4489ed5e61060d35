// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_OWNING_PTR_HPP
#define PARALLELPIPE_DETAIL_BASE_OWNING_PTR_HPP

// std::unique_ptr for the parts of a run. Each type that std::unique_ptr points to costs every program some 35 small
// functions and a dozen classes, for a deleter that no part of a run has: the twenty types of a run took a tenth of
// the time in which the first example compiled. These are plain pointers that delete.

#include <cstddef>
#include <type_traits>

namespace parallelpipe::inline v0::detail {

/// The one owner of an object, or null: `std::unique_ptr<T>` with `delete` as its only deleter.
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

/// The one owner of an array whose elements cannot be moved, as they are atomics or have some.
/// Threads: one at a time; each element as its type says.
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
