#ifndef PARALLELPIPE_BENCHMARKS_LOCKED_QUEUE_HPP
#define PARALLELPIPE_BENCHMARKS_LOCKED_QUEUE_HPP

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace bench {

/// A bounded queue as written by hand: a deque, a mutex, two condition variables.
template <class T>
class LockedQueue {
public:
    LockedQueue(std::size_t capacity, std::size_t producers)
        : capacity_(capacity), producers_(producers) {}

    void push(T item) {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [&] { return items_.size() < capacity_; });
        items_.push_back(std::move(item));
        lock.unlock();
        not_empty_.notify_one();
    }

    /// Waits for an item. Returns nullopt when the queue is empty and all producers have left.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [&] { return !items_.empty() || producers_ == 0; });
        if (items_.empty()) return std::nullopt;
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        lock.unlock();
        not_full_.notify_one();
        return item;
    }

    void leave() {
        std::unique_lock lock(mutex_);
        const bool last = --producers_ == 0;
        lock.unlock();
        if (last) not_empty_.notify_all();
    }

private:
    const std::size_t capacity_;
    std::size_t producers_;
    std::mutex mutex_;
    std::condition_variable not_empty_;
    std::condition_variable not_full_;
    std::deque<T> items_;
};

}  // namespace bench

#endif
