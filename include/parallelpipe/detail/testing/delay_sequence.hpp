// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_TESTING_DELAY_SEQUENCE_HPP
#define PARALLELPIPE_DETAIL_TESTING_DELAY_SEQUENCE_HPP

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/testing/delays.hpp>
#include <parallelpipe/this_worker.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Where a delay can be: each place has a sequence of its own.
enum class delay_place : unsigned { source, item, result, consumer };

/// A sequence of delays.
class delay_sequence {
public:
    delay_sequence(const testing::Delays& delays, delay_place place, std::size_t worker)
        : longest_(std::max(delays.longest, std::chrono::nanoseconds())),
          random_(seeded(delays, place, worker)) {}

    /// The next delay; zero is none, less than zero yields the core to another thread.
    std::chrono::nanoseconds next() {
        const auto dice = random_() % 16;
        if (dice < 8) return {};
        if (dice < 13) return std::chrono::nanoseconds(-1);
        return std::chrono::nanoseconds(static_cast<std::int64_t>(
            static_cast<double>((dice < 15 ? longest_ / 8 : longest_).count()) *
            (static_cast<double>(random_()) / static_cast<double>(std::mt19937::max()))));
    }

    void wait() {
        const std::chrono::nanoseconds time = next();
        if (time.count() > 0)
            sync::this_thread::sleep_for(time);
        else if (time.count() < 0)
            sync::this_thread::yield();
    }

private:
    static std::mt19937 seeded(const testing::Delays& delays, delay_place place,
                               std::size_t worker) {
        // seed_seq takes the lower 32 bits of each number.
        const std::uint64_t numbers[] = {delays.seed, delays.seed >> 32,
                                         static_cast<std::uint64_t>(place), worker};
        std::seed_seq seeds(std::begin(numbers), std::end(numbers));
        return std::mt19937(seeds);
    }

    std::chrono::nanoseconds longest_;
    std::mt19937 random_;
};

/// Hands the items on, with a delay before it takes one, one before it hands it on and one after.
template <class T>
generator<T> delayed(Input<T> items, testing::Delays delays, delay_place place) {
    delay_sequence delay(delays, place, this_worker::index());
    delay.wait();
    for (T& item : items) {
        delay.wait();
        co_yield std::move(item);
        delay.wait();
    }
}

template <class T>
Stage<T, T> delaying(const testing::Delays& delays, delay_place place) {
    return Stage<T, T>(&delayed<T>, delays, place);
}

}  // namespace parallelpipe::detail

#endif
