#ifndef PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP
#define PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP

// The only place that includes moodycamel: its header has three spellings in the wild.

#if __has_include(<moodycamel/concurrentqueue.h>)
#include <moodycamel/concurrentqueue.h>  // upstream's installed package, vcpkg, Conan
#elif __has_include(<concurrentqueue.h>)
#include <concurrentqueue.h>  // the source tree itself; before Debian's, which may be there as well
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>  // Debian, Ubuntu, Fedora
#else
#error "parallelpipe needs moodycamel's concurrentqueue.h: install libconcurrentqueue-dev, or add github.com/cameron314/concurrentqueue to the include path"
#endif

#endif
