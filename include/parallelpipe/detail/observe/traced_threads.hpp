// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_TRACED_THREADS_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_TRACED_THREADS_HPP

#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The part of a trace that belongs to one worker or to the consumer, in nanoseconds since the start of the run.
struct traced_thread {
    std::string name;
    std::size_t stage = 0;        // its stage; the number of stages means the consumer
    span life{};                  // up to now, if the thread still runs
    std::int64_t known_from = 0;  // earlier waits were overwritten
    std::vector<span> for_input{};
    std::vector<span> for_room{};
};

/// What a Monitor keeps of a run.
struct run_record {
    Statistics stats{};
    std::vector<traced_thread> threads{};  // filled if trace() was asked for
};

/// What the threads of a run did, from times(stage, worker) and waits(stage, worker) of `run`; the stage number
/// after the last stage means the consumer. Empty if the run keeps no waits.
template <class Run>
std::vector<traced_thread> make_trace(const Statistics& stats, const Run& run) {
    const std::size_t consumer = stats.stages.size();
    if (!run.waits(consumer, 0)) return {};
    std::vector<traced_thread> threads;
    const std::int64_t began = run.times(consumer, 0).began;
    const auto add = [&](const std::string& name, std::size_t stage, std::size_t worker,
                         std::int64_t now, const auto& thread) {
        const span life = run.times(stage, worker);
        if (life.began == 0) return;
        const wait_history& from = *run.waits(stage, worker);
        traced_thread one{.name = name, .stage = stage};
        one.life = {life.began - began, (life.ended != 0 ? life.ended : now) - began};
        one.known_from = one.life.began;
        const auto take = [&](const wait_ring& ring, Activity waits, std::vector<span>& to) {
            bool is_whole = true;
            to = ring.read(is_whole);
            for (span& each : to) each = {each.began - began, each.ended - began};
            if (!is_whole && !to.empty())
                one.known_from = std::max(one.known_from, to.front().began);
            // The wait that is still going on, unless it has ended meanwhile.
            const std::int64_t since = thread.waiting_since.count();
            if (thread.activity == waits && (to.empty() || to.back().began < since))
                to.push_back({since, one.life.ended});
        };
        take(from.for_input, Activity::waiting_for_input, one.for_input);
        take(from.for_room, Activity::waiting_for_room, one.for_room);
        threads.push_back(std::move(one));
    };
    const std::int64_t now =
        sync::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    const std::int64_t ended = run.times(consumer, 0).ended;
    const std::int64_t until = ended != 0 ? ended : now;
    for (std::size_t i = 0; i < consumer; ++i)
        for (std::size_t k = 0; k < stats.stages[i].each.size(); ++k)
            add(stats.stages[i].name + '-' + std::to_string(k), i, k, until,
                stats.stages[i].each[k]);
    if (consumer != 0 && stats.stages.back().queue)
        add("results", consumer, 0, until, stats.consumer);
    return threads;
}

}  // namespace parallelpipe::detail

#endif
