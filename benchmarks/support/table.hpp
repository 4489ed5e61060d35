#ifndef PARALLELPIPE_BENCHMARKS_TABLE_HPP
#define PARALLELPIPE_BENCHMARKS_TABLE_HPP

#include "machine.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

enum class Role {
    ours,
    peer,        // shows an item to the next stage at once, as we do
    holds_back,  // waits until a chunk of items is there
    reference    // does the same work without handing items on, or shows what would be ideal
};

/// What one run of a contender gives: a figure for each column of its table, and a checksum that says
/// what was computed.
struct Figures {
    unsigned long long checksum = 0;
    std::vector<double> values;
};

/// One way of doing the work.
struct Contender {
    Role role;
    std::string name;
    std::function<Figures()> run;
};

/// Contenders that do the same work. Ratios are those of the first column; less is better.
struct Table {
    std::string title;
    std::vector<std::string> columns;
    std::vector<Contender> contenders = {};
    bool is_exact = true;  // whether the checksums have to agree
};

/// `run` does the work and returns the checksum; the figures are nanoseconds and nanoseconds of CPU,
/// divided by `units`.
template <class Run>
std::function<Figures()> timed(double units, Run run) {
    return [units, run = std::move(run)]() -> Figures {
        const double cpu = cpu_seconds();
        const auto begin = std::chrono::steady_clock::now();
        const unsigned long long checksum = run();
        const std::chrono::duration<double, std::nano> spent =
            std::chrono::steady_clock::now() - begin;
        return {checksum, {spent.count() / units, (cpu_seconds() - cpu) * 1e9 / units}};
    };
}

}  // namespace bench

#endif
