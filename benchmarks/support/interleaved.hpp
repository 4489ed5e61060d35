#ifndef PARALLELPIPE_BENCHMARKS_INTERLEAVED_HPP
#define PARALLELPIPE_BENCHMARKS_INTERLEAVED_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// One way of doing the work: `run` does it once and returns a checksum.
struct Contender {
    std::string name;
    double units;  // what a run's nanoseconds are divided by
    std::function<unsigned long long()> run;
    std::vector<double> figures = {};
};

/// Runs the contenders in turn, A B C A B C ..., so that a machine whose speed drifts is the same to
/// all, after one round that is not counted. Prints the median, the spread and the ratio to the first
/// contender's median. Returns false if their checksums differ: then they did not do the same work.
inline bool interleaved(const std::string& title, std::vector<Contender> contenders,
                        std::size_t rounds) {
    bool same = true;
    unsigned long long expected = 0;
    for (std::size_t round = 0; round <= rounds; ++round)
        for (Contender& contender : contenders) {
            const auto begin = std::chrono::steady_clock::now();
            const unsigned long long sum = contender.run();
            const std::chrono::duration<double, std::nano> spent =
                std::chrono::steady_clock::now() - begin;
            if (round == 0 && &contender == &contenders.front()) expected = sum;
            same = same && sum == expected;
            if (round > 0) contender.figures.push_back(spent.count() / contender.units);
        }

    std::cout << title << '\n' << std::fixed << std::setprecision(2);
    double first = 0;
    for (Contender& contender : contenders) {
        std::ranges::sort(contender.figures);
        const double median = contender.figures[contender.figures.size() / 2];
        if (&contender == &contenders.front()) first = median;
        std::cout << "  " << std::left << std::setw(34) << contender.name << std::right
                  << std::setw(10) << median << "   (" << contender.figures.front() << " .. "
                  << contender.figures.back() << ")   x" << median / first << '\n';
    }
    if (!same) std::cout << "  the contenders did not compute the same\n";
    return same;
}

}  // namespace bench

#endif
