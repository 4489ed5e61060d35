// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_GRAPH_HPP
#define PARALLELPIPE_OBSERVE_GRAPH_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/pipeline_graph.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

namespace detail {

/// The statistics of a run of these stages before its start: names, settings and capacities.
template <class...>
Statistics plan_of(std::span<const stage_entry> stages) {
    const std::vector<std::string> names = names_of(stages);
    Statistics plan;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const stage_entry& stage = stages[i];
        StageStatistics one;
        one.name = names[i];
        one.workers = stage.workers();
        one.is_range = stage.is_range;
        one.is_ordered = stage.setup.ordered.value_or(false);
        one.is_keyed = stage.partition && stage.workers() > 1;
        // The queue knows its capacity where no qsize was set.
        if (const auto queue = stage.code->result_type().make_channel(stage.setup.qsize, 1, 1))
            one.queue = QueueStatistics{.capacity = queue->capacity()};
        plan.stages.push_back(std::move(one));
    }
    return plan;
}

}  // namespace detail

/// Writes a pipeline as a graph in the DOT language of Graphviz: `dot -Tsvg`.
///
/// Before a run (`elapsed` is 0) the graph shows stages, workers and the capacities of the queues. From the
/// statistics of a run it also shows items, the busy share of each stage and the mean fill of each queue. The
/// stage that limits the run is coloured.
/// Returns: lines that end with a newline.
/// Errors: what `std::string` throws.
template <class...>
std::string to_dot(const Statistics& stats) {
    const detail::pipeline_graph graph(stats, explain(stats));
    const auto& nodes = graph.nodes();
    std::string text =
        "digraph pipeline {\n"
        "    rankdir=LR;\n"
        "    node [shape=box style=\"rounded,filled\" fontname=\"Helvetica\" "
        "fillcolor=\"#f3f5f8\" color=\"#5a6b7d\"];\n"
        "    edge [fontname=\"Helvetica\" fontsize=10 color=\"#5a6b7d\"];\n";
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        text += "    s" + std::to_string(i) + " [label=\"" + detail::dot_escaped(nodes[i].name);
        for (const std::string& line : nodes[i].lines) text += "\\n" + detail::dot_escaped(line);
        text += '"';
        if (nodes[i].is_outside) text += " shape=ellipse style=filled";
        if (nodes[i].is_limit) text += " fillcolor=\"#ffe0b0\" color=\"#b45309\" penwidth=2";
        text += "];\n";
    }
    for (std::size_t i = 0; i + 1 < nodes.size(); ++i)
        text += "    s" + std::to_string(i) + " -> s" + std::to_string(i + 1) + " [label=\"" +
                detail::dot_escaped(nodes[i].queue) + "\"];\n";
    return text + "}\n";
}

/// Writes the same graph in the language of Mermaid, which many Markdown viewers draw from a block marked
/// `mermaid`.
/// Returns: lines that end with a newline.
/// Errors: what `std::string` throws.
template <class...>
std::string to_mermaid(const Statistics& stats) {
    const detail::pipeline_graph graph(stats, explain(stats));
    const auto& nodes = graph.nodes();
    std::string text = "flowchart LR\n";
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        text += "    s" + std::to_string(i) + (nodes[i].is_outside ? "([\"" : "[\"");
        text += detail::mermaid_escaped(nodes[i].name);
        for (const std::string& line : nodes[i].lines)
            text += "<br/>" + detail::mermaid_escaped(line);
        text += nodes[i].is_outside ? "\"])\n" : "\"]\n";
    }
    for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
        text += "    s" + std::to_string(i) + " -->";
        if (!nodes[i].queue.empty())
            text += "|\"" + detail::mermaid_escaped(nodes[i].queue) + "\"|";
        text += " s" + std::to_string(i + 1) + '\n';
    }
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].is_limit)
            text += "    style s" + std::to_string(i) +
                    " fill:#ffe0b0,stroke:#b45309,stroke-width:2px,color:#000\n";
    return text;
}

/// Writes the graph of a pipeline or a stage that has not run: `std::cout << to_dot(lines | parse | count)`.
/// Errors: what `std::string` throws, and what making the queues throws.
template <class In, class Out>
std::string to_dot(const Pipeline<In, Out>& pipeline) {
    return to_dot(detail::plan_of(pipeline.stages()));
}
template <class In, class Out>
std::string to_dot(const Stage<In, Out>& stage) {
    return to_dot(detail::plan_of(std::span(&stage.entry(), 1)));
}

/// Writes the same in the language of Mermaid.
template <class In, class Out>
std::string to_mermaid(const Pipeline<In, Out>& pipeline) {
    return to_mermaid(detail::plan_of(pipeline.stages()));
}
template <class In, class Out>
std::string to_mermaid(const Stage<In, Out>& stage) {
    return to_mermaid(detail::plan_of(std::span(&stage.entry(), 1)));
}

}  // namespace parallelpipe

#endif
