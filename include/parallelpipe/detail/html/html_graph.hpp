// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_HTML_HTML_GRAPH_HPP
#define PARALLELPIPE_DETAIL_HTML_HTML_GRAPH_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/pipeline_graph.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace parallelpipe::inline v0::detail {

/// ` x="1.5"`.
template <class...>
std::string attribute(const char* name, double value) {
    return std::string(" ") + name + "=\"" + fixed(value, 1) + '"';
}

template <class...>
std::string svg_text(double x, double y, std::string_view text, const char* kind = "",
                            const char* anchor = "start") {
    std::string made = "<text" + attribute("x", x) + attribute("y", y);
    if (*kind) made += std::string(" class=\"") + kind + '"';
    if (std::string_view(anchor) != "start") made += std::string(" text-anchor=\"") + anchor + '"';
    return made + '>' + html_escaped(text) + "</text>";
}

template <class...>
std::string svg_bar(double x, double y, double width, double height, const char* kind) {
    return std::string("<rect class=\"") + kind + '"' + attribute("x", x) + attribute("y", y) +
           attribute("width", width) + attribute("height", height) + "/>";
}

/// The label of the stage that a verdict names.
inline const char* tag_of(Verdict::Kind kind) {
    switch (kind) {
        case Verdict::Kind::too_fine:
            return "too fine";
        case Verdict::Kind::machine_full:
            return "most expensive";
        case Verdict::Kind::order_bound:
            return "held up by order";
        case Verdict::Kind::uneven:
            return "bursts after it";
        case Verdict::Kind::one_worker:
            return "one worker limits";
        default:
            return "limits the run";
    }
}

/// The pipeline as an SVG picture: a stage is a box with a bar of its time, a queue a gauge.
template <class...>
class html_graph {
public:
    html_graph(const Statistics& stats, const Verdict& verdict)
        : stats_(stats), verdict_(verdict), graph_(stats, verdict) {}

    std::string svg() const {
        const auto& nodes = graph_.nodes();
        const std::size_t rows = (nodes.size() + per_row - 1) / per_row;
        // A row that continues in the next one ends in an arrow.
        const double width =
            rows > 1 ? per_row * (box + gap)
                     : std::max(static_cast<double>(nodes.size()) * (box + gap) - gap, 0.0);
        const double whole = static_cast<double>(rows) * row_height();
        std::string names;
        for (const auto& node : nodes) names += (names.empty() ? "" : ", ") + node.name;
        // In a narrow window the picture shrinks a little, then scrolls.
        std::string text = "<svg role=\"img\" aria-label=\"The pipeline: " + html_escaped(names) +
                           "\" style=\"width:100%;max-width:" + fixed(width + 4, 0) +
                           "px;min-width:" + fixed(0.8 * width, 0) + "px\" viewBox=\"-2 -24 " +
                           fixed(width + 4, 0) + ' ' + fixed(whole + 4, 0) + "\">";
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const double x = static_cast<double>(i % per_row) * (box + gap);
            const double y = static_cast<double>(i / per_row) * row_height();
            text += node(nodes[i], x, y);
            if (i + 1 < nodes.size()) text += arrow(i, x + box, y + height() / 2);
        }
        return text + "</svg>";
    }

private:
    static constexpr std::size_t per_row = 5;
    static constexpr double box = 156;
    static constexpr double gap = 74;
    static constexpr double margin = 14;

    bool has_run() const { return stats_.elapsed.count() > 0; }
    double height() const { return has_run() ? 138 : 60; }

    double row_height() const { return height() + 28; }

    std::string node(const pipeline_graph<>::node& from, double x, double top) const {
        std::string text = "<g><title>" + html_escaped(from.name);
        for (const std::string& line : from.lines) text += "; " + html_escaped(line);
        text += "</title><rect class=\"node";
        text += from.is_outside ? " outside" : "";
        text += from.is_limit ? " limit\"" : "\"";
        text += attribute("x", x) + attribute("y", top) + " rx=\"9\"" + attribute("width", box) +
                attribute("height", height()) + "/>";
        if (from.is_limit)
            text += svg_text(x + box / 2, top - 9, tag_of(verdict_.kind), "tag", "middle");
        text += svg_text(x + margin, top + 25, shortened(from.name, 16), "name");
        double y = 44;
        for (const std::string& line : from.lines) {
            if (line.starts_with("busy")) y = 126;  // under the bar
            text += svg_text(x + margin, top + y, shortened(line, 21), y > 100 ? "ink" : "");
            if (y > 100) break;
            y += 18;
        }
        return text +
               (has_run() ? time_bar(from.time, x + margin, top + 98, box - 2 * margin) : "") +
               "</g>";
    }

    static std::string time_bar(const load& time, double x, double y, double width) {
        std::string text = svg_bar(x, y, width, 10, "track");
        const auto part = [&](double share, const char* kind) {
            const double size = std::min(share, 1.0) * width;
            if (size >= 0.1) text += svg_bar(x, y, size, 10, kind);
            x += size;
        };
        part(time.busy, "busy");
        part(std::min(time.waiting_for_room, 1 - time.busy), "room");
        part(std::min(time.waiting_for_input, 1 - time.busy - time.waiting_for_room), "input");
        return text;
    }

    /// From the right side of stage `i`, at the height `y`.
    std::string arrow(std::size_t i, double x, double y) const {
        std::string text = "<g><title>" + html_escaped(about_queue(stats_.stages[i])) + "</title>";
        text += "<path class=\"arrow\" d=\"M" + fixed(x + 2, 1) + ' ' + fixed(y, 1) + 'H' +
                fixed(x + gap - 8, 1) + "\"/><path class=\"head\" d=\"M" + fixed(x + gap - 2, 1) +
                ' ' + fixed(y, 1) + "l-9 -5v10z\"/>";
        const auto& queue = stats_.stages[i].queue;
        if (!queue) return text + "</g>";
        const double middle = x + gap / 2 - 2;
        const std::string room = queue->capacity ? grouped(queue->capacity) : "unlimited";
        if (has_run()) {
            text += svg_text(middle, y - 24, readable(queue->mean_fill), "ink", "middle");
            text += svg_bar(middle - 26, y - 18, 52, 8, "track");
            if (queue->capacity > 0)
                text +=
                    svg_bar(middle - 26, y - 18,
                            52 * std::clamp(queue->mean_fill / static_cast<double>(queue->capacity),
                                            0.0, 1.0),
                            8, "queue");
            text += svg_text(middle, y + 20, queue->capacity ? "of " + room : room, "", "middle");
        } else {
            text += svg_text(middle, y - 10, queue->capacity ? "at most" : "", "", "middle");
            text += svg_text(middle, y + 20, room, "", "middle");
        }
        return text + "</g>";
    }

    std::string about_queue(const StageStatistics& stage) const {
        std::string text = "after " + printable(stage.name) + ": ";
        if (!stage.queue) return text + "nothing is known of its queue";
        const auto& queue = *stage.queue;
        if (has_run())
            text += "mean " + readable(queue.mean_fill) + ", now " + grouped(queue.fill) +
                    ", at most " + grouped(queue.high_water) + " waiting, ";
        return text + "room for " + (queue.capacity ? grouped(queue.capacity) : "any number");
    }

    const Statistics& stats_;
    const Verdict& verdict_;
    const pipeline_graph<> graph_;
};

}  // namespace parallelpipe::detail

#endif
