#ifndef PARALLELPIPE_BENCHMARKS_WORK_HPP
#define PARALLELPIPE_BENCHMARKS_WORK_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bench {

/// A calculation of a given length that stays in registers. Its length is a number of steps, not a time
/// on a clock: a thread that loses its core in the middle must still do the remaining steps.
class Work {
public:
    explicit Work(double nanoseconds)
        : steps_(std::max<std::uint64_t>(
              1, static_cast<std::uint64_t>(nanoseconds / step_nanoseconds() + 0.5))) {}

    /// Changes `x` to a number that depends on `x` and on the number of steps. The number is less than
    /// 2^56, because FastFlow passes numbers as pointers and reserves some values.
    void operator()(std::uint64_t& x) const { x = steps(x, steps_) >> 8; }

private:
    static std::uint64_t steps(std::uint64_t x, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            asm volatile("" : "+r"(x));  // keeps the compiler from merging steps
        }
        return x;
    }

    /// Nanoseconds of one step, measured once per program: the least of many short runs.
    static double step_nanoseconds() {
        static const double measured = [] {
            constexpr std::uint64_t count = 20'000;
            double least = 1e9;
            for (int i = 0; i < 500; ++i) {
                const auto begin = std::chrono::steady_clock::now();
                (void)steps(static_cast<std::uint64_t>(i), count);
                const std::chrono::duration<double, std::nano> spent =
                    std::chrono::steady_clock::now() - begin;
                least = std::min(least, spent.count() / count);
            }
            return least;
        }();
        return measured;
    }

    std::uint64_t steps_;
};

}  // namespace bench

#endif
