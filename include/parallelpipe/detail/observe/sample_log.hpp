// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_SAMPLE_LOG_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_SAMPLE_LOG_HPP

#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The samples of a run, a limited number: when the log is full, every second sample is removed and further samples
/// come half as often. The first and the last sample stay.
template <class...>
class basic_sample_log {
public:
    explicit basic_sample_log(std::chrono::nanoseconds interval, std::size_t most = 2000)
        : interval_(interval), most_(std::max<std::size_t>(most, 4)) {}

    void add(const Statistics& stats) {
        Sample sample{.at = stats.elapsed};
        for (const StageStatistics& stage : stats.stages) {
            sample.items_out.push_back(stage.queue ? stage.items_out : stage.items_in);
            sample.fill.push_back(stage.queue ? stage.queue->fill : 0);
        }
        // `elapsed` stops when all workers have ended.
        if (samples_.size() > 1 && sample.at <= samples_.back().at) {
            sample.at = samples_.back().at;
            samples_.pop_back();
        }
        if (samples_.size() >= most_) thin_out();
        samples_.push_back(std::move(sample));
    }

    std::chrono::nanoseconds interval() const { return interval_; }
    const std::vector<Sample>& samples() const { return samples_; }

private:
    void thin_out() {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < samples_.size(); i += 2, ++kept)
            if (kept != i) samples_[kept] = std::move(samples_[i]);
        samples_.resize(kept);
        interval_ *= 2;
    }

    std::chrono::nanoseconds interval_;
    const std::size_t most_;
    std::vector<Sample> samples_;
};

/// A template only so that programs without a Monitor do not compile it.
using sample_log = basic_sample_log<>;

}  // namespace parallelpipe::detail

#endif
