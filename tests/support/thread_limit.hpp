#ifndef PARALLELPIPE_TESTS_THREAD_LIMIT_HPP
#define PARALLELPIPE_TESTS_THREAD_LIMIT_HPP

#include <chrono>

namespace support {

/// While an object of this class lives, only `threads` threads can be started; after these, pthread_create
/// waits for `delay` and fails with EAGAIN. Only one object may live at a time.
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
