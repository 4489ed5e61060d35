#ifndef PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP
#define PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP

// The only place that includes moodycamel: its header has three spellings in the wild.

#include <parallelpipe/detail/config.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>

#if __has_include(<moodycamel/concurrentqueue.h>)
#include <moodycamel/concurrentqueue.h>  // upstream's installed package, vcpkg, Conan
#elif __has_include(<concurrentqueue.h>)
#include <concurrentqueue.h>  // the source tree itself; before Debian's, which may be there as well
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>  // Debian, Ubuntu, Fedora
#else
#error "parallelpipe needs moodycamel's concurrentqueue.h: install libconcurrentqueue-dev, or add github.com/cameron314/concurrentqueue to the include path"
#endif

namespace parallelpipe::detail {

/// Blocks of about 2 KiB: few allocations for small items, two items a block for huge ones.
template <class T>
struct queue_traits : moodycamel::ConcurrentQueueDefaultTraits {
    static constexpr std::size_t BLOCK_SIZE =
        std::bit_floor(std::clamp<std::size_t>(std::size_t{2048} / sizeof(T), 2, 256));
};

template <class T>
using concurrent_queue = moodycamel::ConcurrentQueue<T, queue_traits<T>>;

}  // namespace parallelpipe::detail

#endif
