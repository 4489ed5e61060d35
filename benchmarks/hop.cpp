// What does it cost to hand one 64-bit item from one stage to the next? A source, K serial stages that
// do next to nothing, a sum. Printed: ns per item and hop, a hop being one hand-over between threads.

#include <parallelpipe.hpp>

#include "support/interleaved.hpp"

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using parallelpipe::generator;
using parallelpipe::Input;
using parallelpipe::map_stage;
using parallelpipe::Pipeline;
using parallelpipe::stage;
using Item = std::uint64_t;

/// What one writes by hand: a deque, a mutex, two condition variables.
class LockedQueue {
public:
    explicit LockedQueue(std::size_t capacity) : capacity_(capacity) {}

    void push(std::optional<Item> item) {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [&] { return items_.size() < capacity_; });
        items_.push_back(item);
        lock.unlock();
        not_empty_.notify_one();
    }
    std::optional<Item> pop() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [&] { return !items_.empty(); });
        const std::optional<Item> item = items_.front();
        items_.pop_front();
        lock.unlock();
        not_full_.notify_one();
        return item;
    }

private:
    const std::size_t capacity_;
    std::mutex mutex_;
    std::condition_variable not_empty_;
    std::condition_variable not_full_;
    std::deque<std::optional<Item>> items_;
};

Item sequential(Item items, int stages) {
    Item sum = 0;
    for (Item i = 0; i < items; ++i) {
        Item x = i;
        for (int k = 0; k < stages; ++k) {
            x += 1;
            asm volatile("" : "+r"(x));  // the stages' work, not folded into one addition
        }
        sum += x;
    }
    return sum;
}

Item by_hand(Item items, int stages, std::size_t capacity) {
    std::deque<LockedQueue> queues;
    for (int k = 0; k <= stages; ++k) queues.emplace_back(capacity);
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
        for (Item i = 0; i < items; ++i) queues[0].push(i);
        queues[0].push(std::nullopt);
    });
    for (std::size_t k = 0; k < static_cast<std::size_t>(stages); ++k)
        threads.emplace_back([&, k] {
            while (const std::optional<Item> item = queues[k].pop()) queues[k + 1].push(*item + 1);
            queues[k + 1].push(std::nullopt);
        });
    Item sum = 0;
    while (const std::optional<Item> item = queues.back().pop()) sum += *item;
    return sum;
}

Item sum_of(const Pipeline<void, Item>& pipeline) {
    Item sum = 0;
    for (const Item& x : pipeline.results()) sum += x;
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const Item items = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const std::size_t rounds = 9;
    bool good = true;
    for (const int stages : {1, 4}) {
        const auto counting = stage([items]() -> generator<Item> {
            for (Item i = 0; i < items; ++i) co_yield i;
        });
        const auto generating = stage([](Input<Item> in) -> generator<Item> {
            for (const Item x : in) co_yield x + 1;
        });
        const auto mapping = map_stage([](Item x) { return x + 1; });
        Pipeline<void, Item> generators = counting;
        Pipeline<void, Item> maps = counting;
        for (int k = 0; k < stages; ++k) {
            generators = generators | generating;
            maps = maps | mapping;
        }
        const double hops = static_cast<double>(items) * (stages + 1);
        good &= bench::interleaved(
            "hop, K = " + std::to_string(stages) + ": ns per item and hop",
            {{"mutex + condition_variable, 1024", hops,
              [=] { return by_hand(items, stages, 1024); }},
             {"generator stages", hops, [=] { return sum_of(generators); }},
             {"map_stage", hops, [=] { return sum_of(maps); }},
             {"sequential loop", hops, [=] { return sequential(items, stages); }}},
            rounds);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
