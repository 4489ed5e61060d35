#include <parallelpipe/detail/sync/event_count.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

// event_count: waiting for a condition without lost wake-ups.
namespace detail_event_count_tests {

using parallelpipe::detail::event_count;

namespace {

using namespace std::chrono_literals;

/// Waits until `condition` holds, with the protocol that the header describes.
template <class Condition>
void await(event_count& events, Condition condition, bool for_long = false) {
    while (!condition()) {
        const auto key = events.prepare(for_long);
        if (condition()) {
            events.cancel(key);
            return;
        }
        events.wait(key);
    }
}

/// Spins until `at` equals `value`: the fastest way to meet another thread.
void meet(const std::atomic<int>& at, int value) {
    for (int i = 0; at.load(std::memory_order_acquire) != value; ++i)
        if (i > 1000) std::this_thread::yield();
}
void spend(int moments) {
    for (int i = 0; i < moments; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

TEST_CASE("an event_count has no waiters at first and after cancel()", "[event_count]") {
    const bool for_long = GENERATE(false, true);
    event_count events;
    CHECK_FALSE(events.has_waiters());
    const auto key = events.prepare(for_long);
    CHECK(events.has_waiters());
    events.cancel(key);
    CHECK_FALSE(events.has_waiters());
}

TEST_CASE("a notification between prepare() and wait() is not lost", "[event_count]") {
    const bool all = GENERATE(false, true);
    const bool for_long = GENERATE(false, true);
    event_count events;
    const auto key = events.prepare(for_long);
    if (all)
        events.notify_all();
    else
        events.notify_one();
    CHECK_FALSE(events.has_waiters());
    events.wait(key);  // must not block
    SUCCEED();
}

TEST_CASE("an unclaimed notification is not kept", "[event_count]") {
    event_count events;
    const bool for_long = GENERATE(false, true);
    if (for_long) events.cancel(events.prepare(for_long));
    events.notify_one();
    events.notify_all();
    const auto key = events.prepare(for_long);
    CHECK_FALSE(events.wait_until(key, std::chrono::steady_clock::now() + 1ms));
    CHECK_FALSE(events.has_waiters());
}

TEST_CASE("a thread that expects a long wait is woken, also when events become frequent again", "[event_count]") {
    event_count events;
    const auto first = events.prepare(true);
    const auto second = events.prepare(true);
    events.come_often();
    CHECK(events.has_waiters());
    events.notify_one();
    CHECK(events.has_waiters());
    const auto third = events.prepare();
    events.notify_all();
    CHECK_FALSE(events.has_waiters());
    const auto deadline = support::latest();
    CHECK(events.wait_until(first, deadline));
    CHECK(events.wait_until(second, deadline));
    CHECK(events.wait_until(third, deadline));
    events.come_often();
    CHECK_FALSE(events.has_waiters());
}

TEST_CASE("a cancelled wait leaves no signal for the next one", "[event_count]") {
    event_count events;
    const auto key = events.prepare();
    events.notify_one();
    events.cancel(key);
    const auto later = events.prepare();
    CHECK_FALSE(events.wait_until(later, std::chrono::steady_clock::now() + 1ms));
}

TEST_CASE("a wait that times out has no effect on later waits", "[event_count]") {
    event_count events;
    const auto deadline = std::chrono::steady_clock::now() + 2ms;
    const auto key = events.prepare();
    CHECK_FALSE(events.wait_until(key, deadline));
    CHECK(std::chrono::steady_clock::now() >= deadline);
    CHECK_FALSE(events.has_waiters());
    const auto later = events.prepare();
    events.notify_one();
    CHECK(events.wait_until(later, support::latest()));
}

TEST_CASE("no wake-up is lost between two threads that take turns", "[event_count]") {
    constexpr int rounds = 20000;
    const int expects = GENERATE(0, 1, 5);  // the number of long waits among five in a row
    event_count events[2];
    std::atomic<int> turn{0};
    const auto play = [&](int me) {
        for (int i = 0; i < rounds; ++i) {
            await(events[me], [&] { return turn.load() % 2 == me; }, i % 5 < expects);
            ++turn;
            events[1 - me].notify_one();
        }
    };
    {
        std::jthread other([&] { play(1); });
        play(0);
    }
    CHECK(turn == 2 * rounds);
}

TEST_CASE("no wake-up is lost when the notifier's change is a relaxed store", "[event_count]") {
    // As in the channel: the check for waiters must not be reordered before the change.
    constexpr int rounds = 20000;
    const int expects = GENERATE(0, 1, 5);  // the number of long waits among five in a row
    event_count there;
    event_count back;
    std::atomic<int> request{0};
    std::atomic<int> answer{0};
    std::jthread echo([&] {
        for (int i = 1; i <= rounds; ++i) {
            await(
                there, [&] { return request.load(std::memory_order_relaxed) == i; },
                i % 5 < expects);
            if (i % 64 == 0) there.come_often();
            answer.store(i, std::memory_order_relaxed);
            back.notify_one();
        }
    });
    for (int i = 1; i <= rounds; ++i) {
        request.store(i, std::memory_order_relaxed);
        there.notify_one();
        await(
            back, [&] { return answer.load(std::memory_order_relaxed) == i; }, i % 5 < expects);
    }
    CHECK(answer == rounds);
}

TEST_CASE("a notification at the same time as prepare() is not lost", "[event_count]") {
    // The test delays each side until about half of the checks come just too early. (An unoptimised notifier takes so
    // long between its change and its check that a missing barrier does not show.)
    constexpr int rounds = 20000;
    const int expects = GENERATE(0, 1, 2);  // the number of long waits among two in a row
    event_count events;
    std::atomic<int> begun{0};
    std::atomic<int> change{0};
    std::atomic<int> done{0};
    std::atomic<int> ahead{0};  // how far the waiter is ahead
    std::jthread notifier([&] {
        for (int i = 1; i <= rounds; ++i) {
            meet(begun, i);
            spend(ahead.load(std::memory_order_relaxed));
            change.store(i, std::memory_order_relaxed);
            events.notify_one();
            done.store(i, std::memory_order_release);
        }
    });
    int lost = 0;
    for (int i = 1; i <= rounds; ++i) {
        const int now = ahead.load(std::memory_order_relaxed);
        begun.store(i, std::memory_order_release);
        spend(-now);
        const auto key = events.prepare(i % 2 < expects);
        const bool is_late = change.load(std::memory_order_relaxed) == i;
        ahead.store(is_late ? now + 1 + i % 3 : now - 1 - i % 3, std::memory_order_relaxed);
        if (is_late)
            events.cancel(key);
        else if (!events.wait_until(key, support::latest()))
            ++lost;
        meet(done, i);
    }
    CHECK(lost == 0);
}

TEST_CASE("notify_all() wakes all waiters", "[event_count]") {
    constexpr int waiters = 4;
    for (int round = 0; round < 200; ++round) {
        event_count events;
        std::atomic<bool> open{false};
        std::latch prepared(waiters);
        std::atomic<int> through{0};
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < waiters; ++i)
                threads.emplace_back([&] {
                    const auto key = events.prepare();
                    prepared.count_down();
                    events.wait(key);
                    if (open) ++through;
                });
            prepared.wait();
            open = true;
            events.notify_all();
        }
        REQUIRE(through == waiters);
        REQUIRE_FALSE(events.has_waiters());
    }
}

TEST_CASE("notify_all() wakes the threads that waited before it, and a later waiter takes no wake-up from them",
          "[event_count]") {
    event_count events;
    const auto before = events.prepare();
    events.notify_all();
    const auto after = events.prepare();
    CHECK_FALSE(events.wait_until(after, std::chrono::steady_clock::now() + 1ms));
    CHECK(events.wait_until(before, support::latest()));

    const auto signalled = events.prepare();
    events.notify_one();
    events.notify_all();
    const auto late = events.prepare();
    events.cancel(signalled);
    CHECK(events.has_waiters());
    CHECK_FALSE(events.wait_until(late, std::chrono::steady_clock::now() + 1ms));
    CHECK_FALSE(events.has_waiters());
}

TEST_CASE("N notifications free N of more than N waiters", "[event_count]") {
    constexpr int waiters = 4;
    event_count events;
    std::latch prepared(waiters);
    std::counting_semaphore<waiters> freed(0);
    std::atomic<int> count{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < waiters; ++i)
        threads.emplace_back([&] {
            const auto key = events.prepare();
            prepared.count_down();
            events.wait(key);
            ++count;
            freed.release();
        });
    prepared.wait();
    events.notify_one();
    events.notify_one();
    freed.acquire();
    freed.acquire();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    CHECK(count == 2);
    CHECK(events.has_waiters());
    // More notifications than waiters: the surplus is not kept.
    for (int i = 0; i < 5; ++i) events.notify_one();
    threads.clear();
    CHECK(count == waiters);
    const auto key = events.prepare();
    CHECK_FALSE(events.wait_until(key, std::chrono::steady_clock::now() + 1ms));
}

TEST_CASE("a signal reaches another waiter if the first one cancels", "[event_count]") {
    // Two waiters have prepared and one signal comes: a waiter that cancels must not consume the signal.
    for (int round = 0; round < 200; ++round) {
        event_count events;
        std::binary_semaphore prepared(0);
        std::jthread waiting([&] {
            const auto key = events.prepare();
            prepared.release();
            events.wait(key);
        });
        prepared.acquire();
        const auto key = events.prepare();
        events.notify_one();
        events.cancel(key);
    }
    SUCCEED();
}

TEST_CASE("many producers and consumers of a counter all finish", "[event_count]") {
    constexpr int threads_a_side = 3;
    constexpr int rounds = 3000;
    const int expects = GENERATE(0, 1, 5);  // the number of long waits among five in a row
    event_count events;
    std::mutex mutex;
    int available = 0;  // under mutex
    std::atomic<int> taken{0};
    const auto try_take = [&] {
        const std::lock_guard lock(mutex);
        if (available == 0) return false;
        --available;
        return true;
    };
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < threads_a_side; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < rounds; ++i) {
                    await(events, try_take, i % 5 < expects);
                    if (i % 16 == 0) events.come_often();
                    ++taken;
                }
            });
            threads.emplace_back([&] {
                for (int i = 0; i < rounds; ++i) {
                    {
                        const std::lock_guard lock(mutex);
                        ++available;
                    }
                    events.notify_one();
                }
            });
        }
    }
    CHECK(taken == threads_a_side * rounds);
    CHECK(available == 0);
}

}  // namespace detail_event_count_tests
