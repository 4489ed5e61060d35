// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_CONFIG_HPP
#define PARALLELPIPE_DETAIL_BASE_CONFIG_HPP

// What the rest of the library may assume of the compiler and the machine.

#include <concepts>
#include <cstddef>
#include <version>

#if !defined(_MSVC_LANG) && __cplusplus < 202002L
#error "parallelpipe needs C++20: compile with -std=c++20 or newer"
#elif defined(_MSVC_LANG) && _MSVC_LANG < 202002L
#error "parallelpipe needs C++20: compile with /std:c++20 or newer"
#elif !defined(__cpp_exceptions)
#error "parallelpipe needs exceptions: compile without -fno-exceptions (MSVC: with /EHsc)"
#elif !defined(__cpp_rtti)
#error "parallelpipe needs RTTI: compile without -fno-rtti (MSVC: with /GR)"
#elif !defined(__cpp_lib_jthread) && defined(_LIBCPP_VERSION)
#error "parallelpipe needs std::jthread and std::stop_token: take libc++ 18 or newer, with -fexperimental-library"
#elif !defined(__cpp_lib_jthread)
#error "parallelpipe needs std::jthread and std::stop_token: take a standard library that has them; with MinGW the compiler with POSIX threads, g++-posix"
#endif

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

#if defined(__SANITIZE_THREAD__)
#define PARALLELPIPE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PARALLELPIPE_TSAN 1
#endif
#endif
#ifndef PARALLELPIPE_TSAN
#define PARALLELPIPE_TSAN 0
#endif

// PARALLELPIPE_INLINE: code that every item passes, inlined into its callers. PARALLELPIPE_RARE: code that few items
// pass, kept out of its callers. A compiler left alone does the opposite as soon as the rare part is long. Neither in a
// build without optimisation, which would only take longer.
#if defined(__GNUC__) && defined(__OPTIMIZE__)
#define PARALLELPIPE_INLINE [[gnu::always_inline]] inline
#define PARALLELPIPE_RARE [[gnu::noinline]]
#else
#define PARALLELPIPE_INLINE inline
#define PARALLELPIPE_RARE
#endif

// Two shared libraries that are compiled with -fvisibility=hidden each have their own copy of an inline variable
// and of a type's run-time information, unless the declaration says this. A stage that one library makes and the
// other one runs needs a single copy of
//  * each variable that the library which runs writes and the library which made reads, in one thread or in many;
//  * each exception that crosses the border, with the types of its members: some standard libraries (libc++)
//    catch by the address of the type.
// Nothing else is visible: functions stay private to each library, which may inline them. Windows has no such
// attribute: there each DLL has its own copies.
#if defined(__GNUC__) && !defined(_WIN32) && !defined(__CYGWIN__)
#define PARALLELPIPE_VISIBLE [[gnu::visibility("default")]]
#else
#define PARALLELPIPE_VISIBLE
#endif

// A statement that only makes a stage or a pipeline has no effect, as it starts nothing.
#define PARALLELPIPE_RUN_IT                                                                        \
    [[nodiscard("parallelpipe: nothing has run: this only says what is to run; write "             \
                "(source | stage).execute(), or loop over (source | stage).results()")]]

#if PARALLELPIPE_TSAN
extern "C" {  // ThreadSanitizer's own, for which it has no header
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace parallelpipe::inline v0::detail {

/// Data that different threads write is kept this many bytes apart. Not
/// std::hardware_destructive_interference_size: that changes with compiler flags, so the layout of a class could
/// differ between translation units.
#if defined(__APPLE__) && defined(__aarch64__)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

/// A number as another type, which may be the same type on some machines: -Wuseless-cast warns of a static_cast there,
/// and -Wconversion elsewhere if there is none.
template <std::integral To, std::integral From>
constexpr To integer_cast(From number) noexcept {
    if constexpr (std::same_as<To, From>)
        return number;
    else
        return static_cast<To>(number);
}

/// Tells the core that this thread is in a short spin.
inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();  // _mm_pause(), without the half second that its header takes to compile
#elif defined(_MSC_VER) && defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

/// Asks for the cache lines between two addresses, a few KiB at most, which will be written soon. Without that, a store
/// to a line that another core has read waits for the line, and later stores fill the core's buffer meanwhile.
inline void prefetch_to_write([[maybe_unused]] const void* from,
                              [[maybe_unused]] const void* to) noexcept {
#if defined(__GNUC__)
    constexpr std::size_t most = 32;  // more than a core can ask for at once
    const char* line = static_cast<const char*>(from);
    const char* const end = static_cast<const char*>(to);
    for (std::size_t i = 0; i < most && line < end; ++i, line += cache_line)
#if defined(__x86_64__)
        // The builtin becomes an instruction that fetches to read, unless -mprfchw is given; every
        // x86-64 has this one, some as a no-op.
        asm volatile("prefetchw %0" : : "m"(*line));
#else
        __builtin_prefetch(line, 1);
#endif
#endif
}

/// While it lives, ThreadSanitizer ignores what this thread reads and writes: for calls of code that orders its own data
/// by fences. ThreadSanitizer still sees what that code orders by atomics.
class tsan_unchecked {
public:
    tsan_unchecked() noexcept {
#if PARALLELPIPE_TSAN
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
    }
    ~tsan_unchecked() {
#if PARALLELPIPE_TSAN
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
    }
    tsan_unchecked(const tsan_unchecked&) = delete;
    tsan_unchecked& operator=(const tsan_unchecked&) = delete;
};

}  // namespace parallelpipe::detail

#endif
