#ifndef PARALLELPIPE_TESTS_THREAD_LIMIT_HPP
#define PARALLELPIPE_TESTS_THREAD_LIMIT_HPP

#include <chrono>

namespace support {

/// While it lives, only so many threads can be started: pthread_create fails with EAGAIN from then
/// on, after `delay`. One at a time.
class ThreadLimit {
public:
    explicit ThreadLimit(int threads, std::chrono::milliseconds delay = {});
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;
    ~ThreadLimit();

    /// Whether a thread was refused.
    bool reached() const;
};

}  // namespace support

#endif
