// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_PIPELINE_GRAPH_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_PIPELINE_GRAPH_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The contents of every picture of a pipeline: a node for each stage and one for the consumer, and a label for the
/// queue after each. Texts are `printable`.
template <class...>
class pipeline_graph {
public:
    struct node {
        std::string name;
        std::vector<std::string> lines{};  // under the name
        std::string queue{};               // the label of the arrow to the next node
        load time{};                       // shares
        bool is_outside = false;           // a range or the consumer, not a stage
        bool is_limit = false;             // the verdict names this node
    };

    pipeline_graph(const Statistics& stats, const Verdict& verdict) {
        const bool has_run = stats.elapsed.count() > 0;
        for (std::size_t i = 0; i < stats.stages.size(); ++i) {
            const StageStatistics& stage = stats.stages[i];
            node made{.name = printable(stage.name)};
            made.lines.push_back(settings(stage));
            if (has_run) add_numbers(made, stage, stats.elapsed, i == 0);
            if (stage.queue) made.queue = queue(*stage.queue, has_run);
            made.is_outside = stage.is_range;
            nodes_.push_back(made);
        }
        if (has_results(stats)) {
            node made{.name = "results", .is_outside = true};
            if (has_run) {
                made.time = load_of(stats.consumer, stats.elapsed);
                made.lines = {grouped(stats.consumer.items) + " taken",
                              "busy " + percent(made.time.busy)};
            }
            nodes_.push_back(made);
        }
        if (verdict.stage < nodes_.size()) nodes_[verdict.stage].is_limit = true;
    }

    const std::vector<node>& nodes() const { return nodes_; }

private:
    static std::string settings(const StageStatistics& stage) {
        std::string text = stage.is_range ? "range" : counted(stage.workers, "worker");
        if (stage.is_ordered) text += ", ordered";
        if (stage.is_keyed) text += ", keyed";
        return text;
    }

    static void add_numbers(node& to, const StageStatistics& stage,
                            std::chrono::nanoseconds elapsed, bool is_first) {
        to.time = load_of(stage, elapsed);
        if (!is_first) to.lines.push_back(grouped(stage.items_in) + " in");
        if (stage.queue) to.lines.push_back(grouped(stage.items_out) + " out");
        to.lines.push_back("busy " + percent(to.time.busy));
        if (stage.skipped) to.lines.push_back(grouped(stage.skipped) + " skipped");
    }

    static std::string queue(const QueueStatistics& queue, bool has_run) {
        const std::string room = queue.capacity ? grouped(queue.capacity) : "unlimited";
        if (!has_run) return queue.capacity ? "at most " + room : room;
        return "mean " + readable(queue.mean_fill) + (queue.capacity ? " of " : ", ") + room;
    }

    std::vector<node> nodes_;
};

}  // namespace parallelpipe::detail

#endif
