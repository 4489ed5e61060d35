// In place of detail/sync/primitives.hpp: types of its own, none of which converts to the standard library's, so that
// a header that names one of these does not compile; and each counts its uses.
#ifndef PARALLELPIPE_TESTS_OWN_PRIMITIVES_HPP
#define PARALLELPIPE_TESTS_OWN_PRIMITIVES_HPP

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace parallelpipe::inline v0::detail::sync {

struct uses {
    std::atomic<long> atomics{0}, fences{0}, barriers{0}, locks{0}, waits{0}, threads{0}, yields{0}, callbacks{0},
        times{0};
};
inline uses used;

inline void use(std::atomic<long>& what) noexcept { what.fetch_add(1, std::memory_order_relaxed); }

template <class T>
class atomic {
public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T value) noexcept : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    operator T() const noexcept { return load(std::memory_order_seq_cst); }
    T load(std::memory_order order) const noexcept { return counted().load(order); }
    void store(T value, std::memory_order order) noexcept { counted().store(value, order); }
    T exchange(T value, std::memory_order order) noexcept { return counted().exchange(value, order); }
    template <class... Order>
    bool compare_exchange_weak(T& old, T value, Order... order) noexcept {
        return counted().compare_exchange_weak(old, value, order...);
    }
    template <class... Order>
    bool compare_exchange_strong(T& old, T value, Order... order) noexcept {
        return counted().compare_exchange_strong(old, value, order...);
    }
    T fetch_add(T more, std::memory_order order) noexcept { return counted().fetch_add(more, order); }
    T fetch_sub(T less, std::memory_order order) noexcept { return counted().fetch_sub(less, order); }
    T fetch_or(T bits, std::memory_order order) noexcept { return counted().fetch_or(bits, order); }
    T fetch_and(T bits, std::memory_order order) noexcept { return counted().fetch_and(bits, order); }

private:
    std::atomic<T>& counted() const noexcept {
        use(used.atomics);
        return value_;
    }

    mutable std::atomic<T> value_{};
};

inline void atomic_signal_fence(std::memory_order order) noexcept {
    use(used.fences);
    std::atomic_signal_fence(order);
}

class mutex {
public:
    void lock() {
        use(used.locks);
        mutex_.lock();
    }
    bool try_lock() { return mutex_.try_lock(); }
    void unlock() { mutex_.unlock(); }

private:
    std::mutex mutex_;
};
using std::lock_guard;
using std::unique_lock;

using std::cv_status;
class condition_variable {
public:
    void notify_one() noexcept { changed_.notify_one(); }
    void notify_all() noexcept { changed_.notify_all(); }
    template <class... Condition>
    void wait(unique_lock<mutex>& lock, Condition... condition) {
        use(used.waits);
        changed_.wait(lock, condition...);
    }
    template <class Time, class... Condition>
    auto wait_until(unique_lock<mutex>& lock, const Time& time, Condition... condition) {
        return changed_.wait_until(lock, time, condition...);
    }
    template <class Time, class... Condition>
    auto wait_for(unique_lock<mutex>& lock, const Time& time, Condition... condition) {
        return changed_.wait_for(lock, time, condition...);
    }

private:
    std::condition_variable_any changed_;
};

template <class Thread>
class counted_thread : Thread {
public:
    using Thread::detach;
    using typename Thread::id;
    using Thread::get_id;
    using Thread::hardware_concurrency;
    using Thread::join;
    using Thread::joinable;

    counted_thread() noexcept = default;
    template <class F>
    explicit counted_thread(F f) : Thread(std::move(f)) {
        use(used.threads);
    }
};
using thread = counted_thread<std::thread>;
using jthread = counted_thread<std::jthread>;

namespace this_thread {
using std::this_thread::get_id;
using std::this_thread::sleep_for;
inline void yield() noexcept {
    use(used.yields);
    std::this_thread::yield();
}
}  // namespace this_thread

// A program has those of the standard library: they convert.
struct stop_token : std::stop_token {
    stop_token() noexcept = default;
    stop_token(std::stop_token of) noexcept : std::stop_token(std::move(of)) {}
};
struct stop_source : std::stop_source {
    stop_token get_token() const noexcept { return std::stop_source::get_token(); }
};
template <class F>
class stop_callback {
public:
    stop_callback(stop_token token, F f) : on_stop_(std::move(token), std::move(f)) { use(used.callbacks); }

private:
    std::stop_callback<F> on_stop_;
};

struct steady_clock {
    using duration = std::chrono::steady_clock::duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<steady_clock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept {
        use(used.times);
        return time_point(std::chrono::steady_clock::now().time_since_epoch());
    }
};

inline bool register_membarrier() noexcept { return true; }
inline bool membarrier() noexcept {
    use(used.barriers);
    return false;  // refused: the engine has to go on without
}

}  // namespace parallelpipe::detail::sync

#endif
