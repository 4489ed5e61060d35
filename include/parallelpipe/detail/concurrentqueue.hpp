#ifndef PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP
#define PARALLELPIPE_DETAIL_CONCURRENTQUEUE_HPP

// The only file that includes moodycamel's queue. Installations spell its header in four ways; CMake and the
// tests read the list from the conditions below.

#if __has_include(<moodycamel/concurrentqueue.h>)
#include <moodycamel/concurrentqueue.h>  // the CMake package of upstream, Debian 13, vcpkg and Conan
#elif __has_include(<concurrentqueue.h>)
#include <concurrentqueue.h>  // the source tree; before the system's copy, which may be there as well
#elif __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>  // the same installations without their package
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>  // Debian 12, Ubuntu, Fedora
#else
#error "parallelpipe needs moodycamel's concurrentqueue.h: install libconcurrentqueue-dev, or add github.com/cameron314/concurrentqueue to the include path"
#endif

#endif
