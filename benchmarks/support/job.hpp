#ifndef PARALLELPIPE_BENCHMARKS_JOB_HPP
#define PARALLELPIPE_BENCHMARKS_JOB_HPP

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>

namespace bench {

/// Work in a form that every peer can run: one source, stages that all do the same work, one sink.
/// A job is used for one run.
template <class J>
concept Job = requires(J& job, const J& stage, typename J::Item& item) {
    { job.next() } -> std::same_as<std::optional<typename J::Item>>;  // one thread calls it
    stage.work(item);                                                  // many threads at once
    job.sink(item);                                                    // one thread
    { job.checksum() } -> std::convertible_to<unsigned long long>;
};

/// The number of stages of a job, their workers, and whether results keep the order of the items.
struct Shape {
    std::size_t stages = 1;
    std::size_t workers = 1;  // of each stage
    bool ordered = false;
};

/// The setting with which `run(setting)` is fastest, of three tries each.
template <class Settings, class Run>
auto fastest(const Settings& settings, Run run) {
    auto best = *settings.begin();
    auto least = std::chrono::steady_clock::duration::max();
    for (const auto& setting : settings)
        for (int i = 0; i < 3; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            run(setting);
            const auto spent = std::chrono::steady_clock::now() - begin;
            if (spent < least) {
                least = spent;
                best = setting;
            }
        }
    return best;
}

}  // namespace bench

#endif
