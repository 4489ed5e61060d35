#ifndef PARALLELPIPE_TESTS_WAITING_HPP
#define PARALLELPIPE_TESTS_WAITING_HPP

#include <parallelpipe/this_worker.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace support {

/// Limits that turn a hang into a failure: the longest wait for an event, and the longest test. Each is at least ten
/// times what a quiet machine needs, so other load fails no test. CMakePresets.json has a longer limit for a whole
/// program.
inline constexpr std::chrono::seconds longest_wait{100};
inline constexpr std::chrono::seconds longest_test{600};

/// Returns: the time `longest_wait` from now.
inline std::chrono::steady_clock::time_point latest() {
    return std::chrono::steady_clock::now() + longest_wait;
}

/// The slowdown by a sanitizer.
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

/// Polls for a state that no event announces, such as a sleeping worker or an ended thread.
/// Returns: false if the state does not come in time, so a hang becomes a failure.
template <class Condition>
bool comes_true(Condition condition) {
    const auto limit = latest();
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}

/// Waits as user code may: for a condition that never becomes true, until the worker's stop_token is triggered.
inline void wait_for_stop() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, parallelpipe::this_worker::stop_token(), [] { return false; });
}

/// Waits for 20 ms, in which a wrong event would happen.
inline void give_it_a_chance() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

}  // namespace support

#endif
