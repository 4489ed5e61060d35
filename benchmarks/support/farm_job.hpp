#ifndef PARALLELPIPE_BENCHMARKS_FARM_JOB_HPP
#define PARALLELPIPE_BENCHMARKS_FARM_JOB_HPP

#include "job.hpp"
#include "work.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace bench {

/// A job of numbers on which the stages calculate. The checksum is the sum of the results; with
/// `ordered`, a hash that depends on their order.
template <class Calculation = Work>
struct FarmJob {
    using Item = std::uint64_t;

    std::size_t items;
    Calculation calculation;
    bool ordered = false;
    std::uint64_t made = 0;
    std::uint64_t sum = 0;

    FarmJob part(double share) const {
        FarmJob fewer = *this;
        fewer.items = static_cast<std::size_t>(static_cast<double>(items) * share);
        return fewer;
    }

    std::optional<Item> next() { return made < items ? std::optional(made++) : std::nullopt; }
    void work(Item& x) const { calculation(x); }
    void sink(Item x) { sum = (ordered ? sum * 31 : sum) + x; }
    unsigned long long checksum() const { return sum; }
};

/// Runs the job in one thread: each item passes all stages before the next item starts.
template <Job J>
unsigned long long by_loop(J job, std::size_t stages) {
    while (std::optional<typename J::Item> item = job.next()) {
        for (std::size_t i = 0; i < stages; ++i) job.work(*item);
        job.sink(*item);
    }
    return job.checksum();
}

}  // namespace bench

#endif
