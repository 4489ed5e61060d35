// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_CHANNEL_CONCURRENTQUEUE_HPP
#define PARALLELPIPE_DETAIL_CHANNEL_CONCURRENTQUEUE_HPP

// The only file that includes moodycamel's queue. Installations spell its header in four ways; CMake and the
// tests read the list from the conditions below.

// A system header, so that compilers do not warn of the queue's code. The optimiser of g++ gives one warning all the
// same, and -Wtsan says that ThreadSanitizer does not know fences, which tsan_unchecked (config.hpp) takes care of.
#if defined(__GNUC__)
#pragma GCC system_header
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnull-dereference"
#pragma GCC diagnostic ignored "-Wtsan"
#endif

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

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
