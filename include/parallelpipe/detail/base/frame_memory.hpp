// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_FRAME_MEMORY_HPP
#define PARALLELPIPE_DETAIL_BASE_FRAME_MEMORY_HPP

#include <cstddef>
#include <new>

namespace parallelpipe::inline v0::detail {

/// Allocates the frames of a generator<T>. A compiler may allocate a frame as if nothing in it was over-aligned (g++
/// does); an over-aligned T in the frame would be misaligned.
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

}  // namespace parallelpipe::detail

#endif
