#ifndef PARALLELPIPE_TESTS_OUTCOME_HPP
#define PARALLELPIPE_TESTS_OUTCOME_HPP

#include <parallelpipe.hpp>

#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Returns: 0, 1, ... `end` - 1.
inline std::vector<int> up_to(int end) {
    std::vector<int> all(static_cast<std::size_t>(end));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

/// The results of a run, and the error that ended it.
struct Outcome {
    std::vector<int> items;
    std::string text;
    std::optional<std::uint64_t> failed_at;
    parallelpipe::Statistics stats;
};

/// Returns: the outcome of a run, or of running a pipeline; `number` converts a result to int.
template <class Run, class Number = std::identity>
Outcome outcome_of(Run&& run, Number number = {}) {
    if constexpr (requires { run.stats(); }) {
        Outcome outcome;
        try {
            for (auto& item : run) outcome.items.push_back(std::invoke(number, item));
        } catch (const parallelpipe::TaskException& e) {
            outcome.text = e.what();
            outcome.failed_at = e.errors().front().item();
        }
        outcome.stats = run.stats();
        return outcome;
    } else {
        return support::outcome_of(run.results(), number);
    }
}

}  // namespace support

#endif
