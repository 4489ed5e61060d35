#ifndef PARALLELPIPE_TESTS_WAITING_HPP
#define PARALLELPIPE_TESTS_WAITING_HPP

#include <parallelpipe/this_worker.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace support {

/// Limits are against hangs alone. Each is ten times and more what a quiet machine needs, so that other work on all
/// cores fails no test. The longest wait for what must come, and the longest test; it is shorter than the limit of
/// a program, which stands in CMakePresets.json.
inline constexpr std::chrono::seconds longest_wait{100};
inline constexpr std::chrono::seconds longest_test{600};

/// When `longest_wait` from now is over.
inline std::chrono::steady_clock::time_point latest() {
    return std::chrono::steady_clock::now() + longest_wait;
}

/// How much slower than a plain build the machine may be.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
inline constexpr int slowness = 10;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
inline constexpr int slowness = 4;
#else
inline constexpr bool sanitized = false;
inline constexpr int slowness = 1;
#endif

/// Waits for a state that nothing announces (a worker has gone to sleep, a thread has vanished).
/// Returns false if it does not come: a hang becomes a failure.
template <class Condition>
bool comes_true(Condition condition) {
    const auto limit = latest();
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}

/// Waits by itself for something that never comes, as user code may: until its stop_token says so.
inline void wait_for_stop() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, parallelpipe::this_worker::stop_token(), [] { return false; });
}

/// Gives what must not happen the time to happen.
inline void give_it_a_chance() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

}  // namespace support

#endif
