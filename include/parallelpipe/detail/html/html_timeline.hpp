// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_HTML_HTML_TIMELINE_HPP
#define PARALLELPIPE_DETAIL_HTML_HTML_TIMELINE_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A value over the time of a run.
struct time_line {
    struct point {
        double at;  // seconds
        double value;
    };
    std::vector<point> points;
    double most = 0;
};

/// The most steps that a line has; a reader cannot see more.
inline constexpr std::size_t most_steps = 240;

/// Divides the samples into steps of equal length and calls `f(first, last)` for each; a step joins two
/// neighbouring samples, or two further apart where there are many.
template <class F>
void for_each_step(const std::vector<Sample>& samples, F f) {
    const std::size_t pairs = samples.size() - 1;
    const std::size_t steps = std::min(pairs, most_steps);
    for (std::size_t i = 0; i < steps; ++i) f(i * pairs / steps, (i + 1) * pairs / steps);
}

/// The results of a stage per second, from the samples at both ends of each step.
template <class...>
time_line rate_line(const std::vector<Sample>& samples, std::size_t stage) {
    time_line line;
    const auto items = [&](const Sample& sample) {
        return stage < sample.items_out.size() ? sample.items_out[stage] : 0;
    };
    if (samples.size() < 2) return line;
    for_each_step(samples, [&](std::size_t first, std::size_t last) {
        const double begin = in_seconds(samples[first].at), end = in_seconds(samples[last].at);
        const std::uint64_t before = items(samples[first]), now = items(samples[last]);
        if (end <= begin) return;
        const double rate = now > before ? static_cast<double>(now - before) / (end - begin) : 0;
        // Drawn as a step and not as a slope: the time between two samples is unknown.
        line.points.push_back({begin, rate});
        line.points.push_back({end, rate});
        line.most = std::max(line.most, rate);
    });
    return line;
}

/// The fill of the queue after a stage; where a step has several samples, the highest.
template <class...>
time_line fill_line(const std::vector<Sample>& samples, std::size_t stage) {
    time_line line;
    const auto fill = [&](std::size_t i) {
        return stage < samples[i].fill.size() ? static_cast<double>(samples[i].fill[stage]) : 0.0;
    };
    if (samples.size() < 2) return line;
    line.points.push_back({in_seconds(samples[0].at), fill(0)});
    for_each_step(samples, [&](std::size_t first, std::size_t last) {
        double most = 0;
        for (std::size_t i = first + 1; i <= last; ++i) most = std::max(most, fill(i));
        line.points.push_back({in_seconds(samples[last].at), most});
    });
    for (const auto& point : line.points) line.most = std::max(line.most, point.value);
    return line;
}

/// One line as an SVG picture with its axes. `capacity` draws a mark at that height; 0 draws none.
template <class...>
std::string line_chart(const time_line& line, double seconds, const std::string& about,
                       const std::string& kind, double capacity = 0) {
    constexpr double width = 540, height = 104, left = 58, right = 10, top = 10, bottom = 22;
    const double most = std::max({line.most, capacity, 1e-9});
    const auto x = [&](double at) {
        return left + std::clamp(at / seconds, 0.0, 1.0) * (width - left - right);
    };
    const auto y = [&](double value) {
        return height - bottom - value / most * (height - bottom - top);
    };
    const auto place = [&](double at, double value) {
        return fixed(x(at), 1) + ' ' + fixed(y(value), 1);
    };
    const auto across = [&](const char* style, double value) {
        return std::string("<path class=\"") + style + "\" d=\"M" + place(0, value) + "H" +
               fixed(width - right, 1) + "\"/>";
    };
    const auto label = [&](double at_x, double at_y, const std::string& text, const char* anchor) {
        return "<text x=\"" + fixed(at_x, 1) + "\" y=\"" + fixed(at_y, 1) + "\" text-anchor=\"" +
               anchor + "\">" + html_escaped(text) + "</text>";
    };

    std::string text = "<svg role=\"img\" viewBox=\"0 0 " + fixed(width, 0) + ' ' +
                       fixed(height, 0) + "\" aria-label=\"" + html_escaped(about) + "\"><title>" +
                       html_escaped(about) + "</title>" + across("axis", 0);
    if (capacity > 0) text += across("full", capacity);
    std::string path;
    for (const auto& point : line.points)
        path += (path.empty() ? "M" : "L") + place(point.at, point.value);
    if (!path.empty())
        text += "<path class=\"" + kind + "-area\" d=\"" + path + 'L' +
                place(line.points.back().at, 0) + 'L' + place(line.points.front().at, 0) +
                "Z\"/><path class=\"" + kind + "\" d=\"" + path + "\"/>";
    text += label(left - 6, y(most) + 5, readable(most), "end");
    text += label(left - 6, y(0) + 3, "0", "end");
    text += label(left, height - 6, "0 s", "start");
    const auto time = std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
    text += label(width - right, height - 6, readable(time), "end");
    return text + "</svg>";
}

/// For each stage the results per second and, below, the fill of its queue, over the same time.
template <class...>
std::string html_timelines(const Statistics& stats) {
    const double seconds = std::max(in_seconds(stats.elapsed), in_seconds(stats.samples.back().at));
    std::string text;
    for (std::size_t i = 0; i < stats.stages.size(); ++i) {
        const StageStatistics& stage = stats.stages[i];
        const std::string name = printable(stage.name);
        const time_line rate = rate_line(stats.samples, i);
        const std::string unit = stage.queue ? "results per second" : "items per second";
        text += "<h3>" + html_escaped(name) + "</h3><figure><figcaption>" + unit + "</figcaption>" +
                line_chart(rate, seconds, name + ": " + unit + ", at most " + readable(rate.most),
                           "rate") +
                "</figure>";
        if (!stage.queue) continue;
        const time_line fill = fill_line(stats.samples, i);
        const double capacity = static_cast<double>(stage.queue->capacity);
        text += "<figure><figcaption>waiting after it" +
                std::string(capacity > 0 ? ", of " + grouped(stage.queue->capacity) : "") +
                "</figcaption>" +
                line_chart(fill, seconds,
                           name + ": results waiting after it, at most " + readable(fill.most),
                           "fill", capacity) +
                "</figure>";
    }
    return text;
}

}  // namespace parallelpipe::detail

#endif
