// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_RAW_STORAGE_HPP
#define PARALLELPIPE_DETAIL_BASE_RAW_STORAGE_HPP

#include <cstddef>

namespace parallelpipe::inline v0::detail {

/// Memory for `Count` objects. Its owner constructs and destroys them.
template <class T, std::size_t Count>
class raw_storage {
public:
    T* data() noexcept { return reinterpret_cast<T*>(bytes_); }
    const T* data() const noexcept { return reinterpret_cast<const T*>(bytes_); }

private:
    alignas(T) std::byte bytes_[sizeof(T) * Count];
};

}  // namespace parallelpipe::detail

#endif
