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
    peer,        // shows an item to the next stage at once, as parallelpipe does
    holds_back,  // holds items back until a chunk is full
    reference    // does the same work without handing items on, or shows an ideal
};

/// The result of one run of a contender: a figure for each column of its table, and a checksum of the
/// computed values.
struct Figures {
    unsigned long long checksum = 0;
    std::vector<double> values;
};

/// One way to do the work of a table.
struct Contender {
    Role role;
    std::string name;
    std::function<Figures()> run;
};

/// Contenders that do the same work. Ratios compare the first column; less is better.
struct Table {
    std::string title;
    std::vector<std::string> columns;
    std::vector<Contender> contenders = {};
    bool is_exact = true;  // the checksums must agree
};

/// Returns a contender's run that times `run`, which does the work and returns the checksum. The
/// figures are nanoseconds and nanoseconds of CPU, divided by `units`.
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
