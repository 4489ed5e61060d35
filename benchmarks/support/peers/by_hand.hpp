#ifndef PARALLELPIPE_BENCHMARKS_PEERS_BY_HAND_HPP
#define PARALLELPIPE_BENCHMARKS_PEERS_BY_HAND_HPP

#include "../job.hpp"
#include "../locked_queue.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// Turns a job into a job whose items are chunks of `size` items.
template <Job J>
class Chunks {
public:
    using Item = std::vector<typename J::Item>;

    Chunks(J& job, std::size_t size) : job_(&job), size_(size) {}

    std::optional<Item> next() {
        Item chunk;
        chunk.reserve(size_);
        while (chunk.size() < size_) {
            std::optional<typename J::Item> item = job_->next();
            if (!item) break;
            chunk.push_back(std::move(*item));
        }
        return chunk.empty() ? std::nullopt : std::optional<Item>(std::move(chunk));
    }
    void work(Item& chunk) const {
        for (typename J::Item& item : chunk) job_->work(item);
    }
    void sink(Item& chunk) {
        for (typename J::Item& item : chunk) job_->sink(item);
    }
    unsigned long long checksum() { return job_->checksum(); }

private:
    J* job_;
    std::size_t size_;
};

/// Turns a job into a job of numbered items; its sink receives them in their order.
template <Job J>
class Numbered {
public:
    struct Item {
        std::size_t number;
        typename J::Item item;
    };

    explicit Numbered(J& job) : job_(&job) {}

    std::optional<Item> next() {
        std::optional<typename J::Item> item = job_->next();
        if (!item) return std::nullopt;
        return Item{numbers_++, std::move(*item)};
    }
    void work(Item& item) const { job_->work(item.item); }
    void sink(Item& item) {
        if (item.number != due_) {
            early_.emplace(item.number, std::move(item.item));
            return;
        }
        job_->sink(item.item);
        ++due_;
        while (!early_.empty() && early_.begin()->first == due_) {
            job_->sink(early_.begin()->second);
            early_.erase(early_.begin());
            ++due_;
        }
    }
    unsigned long long checksum() { return job_->checksum(); }

private:
    J* job_;
    std::size_t numbers_ = 0;
    std::size_t due_ = 0;
    std::map<std::size_t, typename J::Item> early_;
};

/// Runs the job with a thread for the source and for each worker and a locked queue between stages.
/// The sink runs in the caller's thread.
template <Job J>
void run_threads(J& job, const Shape& shape, std::size_t capacity) {
    using Queue = LockedQueue<typename J::Item>;
    std::deque<Queue> queues;
    queues.emplace_back(capacity, 1);
    for (std::size_t i = 0; i < shape.stages; ++i) queues.emplace_back(capacity, shape.workers);
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
        while (std::optional<typename J::Item> item = job.next())
            queues.front().push(std::move(*item));
        queues.front().leave();
    });
    for (std::size_t i = 0; i < shape.stages; ++i)
        for (std::size_t k = 0; k < shape.workers; ++k)
            threads.emplace_back([&, i] {
                while (std::optional<typename J::Item> item = queues[i].pop()) {
                    job.work(*item);
                    queues[i + 1].push(std::move(*item));
                }
                queues[i + 1].leave();
            });
    while (std::optional<typename J::Item> item = queues.back().pop()) job.sink(*item);
}

template <Job J>
unsigned long long by_threads(J job, const Shape& shape, std::size_t capacity) {
    if (shape.ordered && shape.workers > 1) {
        Numbered numbered(job);
        run_threads(numbered, shape, capacity);
    } else {
        run_threads(job, shape, capacity);
    }
    return job.checksum();
}

/// The same with chunks of `size` items; a queue holds at most 1024 items.
template <Job J>
unsigned long long by_chunks(J job, const Shape& shape, std::size_t size) {
    Chunks chunks(job, size);
    const std::size_t capacity = size < 512 ? 1024 / size : 2;
    if (shape.ordered && shape.workers > 1) {
        Numbered numbered(chunks);
        run_threads(numbered, shape, capacity);
    } else {
        run_threads(chunks, shape, capacity);
    }
    return job.checksum();
}

}  // namespace bench

#endif
