#ifndef PARALLELPIPE_TESTS_LISTED_HPP
#define PARALLELPIPE_TESTS_LISTED_HPP

#include <algorithm>
#include <utility>
#include <vector>

namespace support {

/// Runs the pipeline. Returns: all results, in the order in which they arrived.
template <class Runnable>
auto listed(const Runnable& runnable) {
    auto results = runnable.results();
    std::vector<typename decltype(results)::value_type> all;
    for (auto& item : results) all.push_back(std::move(item));
    return all;
}

/// Runs the pipeline. Returns: all results, sorted; for stages with several workers, whose order varies.
template <class Runnable>
auto sorted(const Runnable& runnable) {
    auto all = listed(runnable);
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace support

#endif
