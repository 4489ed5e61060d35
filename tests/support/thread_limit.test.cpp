// Implements thread_limit.hpp by replacing pthread_create. The name of the file makes it part of the test program.

#include "thread_limit.hpp"

#include "catch.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>

namespace {

constexpr int unlimited = -1;
std::atomic<int> threads_left{unlimited};
std::atomic<bool> refused{false};
std::atomic<std::chrono::milliseconds> delay_of_refusal{};

/// Whether one more thread may start.
bool admit() {
    int left = threads_left;
    do {
        if (left == unlimited) return true;
        if (left == 0) {
            refused = true;
            return false;
        }
    } while (!threads_left.compare_exchange_weak(left, left - 1));
    return true;
}

}  // namespace

using thread_function = void* (*)(void*);
using creator = int (*)(pthread_t*, const pthread_attr_t*, thread_function, void*);

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              thread_function function, void* argument) noexcept {
    if (!admit()) {
        std::this_thread::sleep_for(delay_of_refusal.load());
        return EAGAIN;
    }
    static const auto original = reinterpret_cast<creator>(dlsym(RTLD_NEXT, "pthread_create"));
    return original(thread, attributes, function, argument);
}

namespace support {

ThreadLimit::ThreadLimit(int threads, std::chrono::milliseconds delay) {
    refused = false;
    delay_of_refusal = delay;
    threads_left = threads;
}
ThreadLimit::~ThreadLimit() { threads_left = unlimited; }
bool ThreadLimit::reached() const { return refused; }

}  // namespace support

TEST_CASE("the thread limit refuses threads beyond its number", "[support]") {
    std::thread one;
    {
        const support::ThreadLimit limit(1);
        one = std::thread([] {});
        CHECK(!limit.reached());
        CHECK_THROWS_AS(std::thread([] {}), std::system_error);
        CHECK(limit.reached());
    }
    one.join();
    std::thread([] {}).join();
}
