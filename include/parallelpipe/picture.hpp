#ifndef PARALLELPIPE_PICTURE_HPP
#define PARALLELPIPE_PICTURE_HPP

#include <parallelpipe/detail/escape.hpp>
#include <parallelpipe/detail/pipeline_graph.hpp>
#include <parallelpipe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace parallelpipe {

/// A pipeline as a graph in Graphviz's language: `dot -Tsvg`.
///
/// Before a run (`elapsed` is 0) it shows stages, workers and the room of the queues; from the
/// statistics of a run also items, how busy each stage is and what waited in each queue on average.
/// What limits the run is coloured.
/// Returns: lines that end with a newline.
/// Errors: what `std::string` throws.
inline std::string to_dot(const Statistics& stats) {
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

/// The same graph in Mermaid's language, which many pages with Markdown draw: put it into a block
/// marked `mermaid`.
/// Returns: lines that end with a newline.
/// Errors: what `std::string` throws.
inline std::string to_mermaid(const Statistics& stats) {
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

}  // namespace parallelpipe

#endif
