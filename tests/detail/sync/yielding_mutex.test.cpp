#include <parallelpipe/detail/sync/yielding_mutex.hpp>
#include <parallelpipe/detail/worker/counters.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

// yielding_mutex: a mutex whose waiters spin, yield, then sleep.
namespace detail_yielding_mutex_tests {

using parallelpipe::detail::yielding_mutex;
using parallelpipe::detail::worker_counters;

TEST_CASE("one thread at a time holds a yielding_mutex", "[yielding_mutex]") {
    constexpr int threads = 9;
    constexpr int times = 2'000;
    yielding_mutex mutex;
    int count = 0;  // under mutex; ThreadSanitizer would report a missing order
    {
        std::vector<std::jthread> all;
        for (int i = 0; i < threads; ++i)
            all.emplace_back([&] {
                for (int k = 0; k < times; ++k) {
                    const std::lock_guard lock(mutex);
                    ++count;
                    if (k % 500 == 0) std::this_thread::yield();  // other threads run while the mutex is held
                }
            });
    }
    CHECK(count == threads * times);
}

TEST_CASE("try_lock does not wait", "[yielding_mutex]") {
    yielding_mutex mutex;
    REQUIRE(mutex.try_lock());
    CHECK_FALSE(mutex.try_lock());
    mutex.unlock();
    CHECK(mutex.try_lock());
    mutex.unlock();
}

TEST_CASE("a thread that waits long for a yielding_mutex uses little CPU time", "[yielding_mutex]") {
    yielding_mutex mutex;
    std::latch waiting(1);
    std::int64_t spent = 0;
    std::chrono::nanoseconds held{};
    {
        std::unique_lock lock(mutex);
        std::jthread waiter([&] {
            waiting.count_down();
            const std::lock_guard lock_there(mutex);
            spent = worker_counters::cpu_of_this_thread();
        });
        waiting.wait();
        const auto since = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        lock.unlock();
        held = std::chrono::steady_clock::now() - since;
    }
    CHECK(std::chrono::nanoseconds(spent) < held / 2);
}

}  // namespace detail_yielding_mutex_tests
