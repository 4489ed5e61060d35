// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_HTML_HTML_PAGE_HPP
#define PARALLELPIPE_DETAIL_HTML_HTML_PAGE_HPP

#include <parallelpipe/detail/html/html_graph.hpp>
#include <parallelpipe/detail/html/html_style.hpp>
#include <parallelpipe/detail/html/html_timeline.hpp>
#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/detail/observe/stage_table.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace parallelpipe::inline v0::detail {

/// The page of write_html().
template <class...>
class html_page {
public:
    html_page(const Statistics& stats, const std::string& title)
        : stats_(stats), title_(html_escaped(title)), verdict_(explain(stats)) {}

    std::string text() const {
        std::string page =
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            // The policy forbids loading anything, whatever a name contains.
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'; img-src data:\">\n"
            "<link rel=\"icon\" href=\"data:,\">\n<title>" +
            title_ + "</title>\n<style>" + html_style + "</style>\n</head>\n<body>\n<main>\n<h1>" +
            title_ + "</h1>\n<p class=\"soft\">" + html_escaped(headline(stats_)) + "</p>\n";
        if (has_run()) {
            page += section("verdict", "What limits the run",
                            "<p>" + unbroken(html_escaped(verdict_.text)) + "</p>");
            page += tiles();
        }
        if (!stats_.stages.empty()) {
            page += section("graph", "Pipeline", graph());
            page += section("stages", "Stages", stages() + workers());
        }
        if (has_run() && stats_.samples.size() > 1)
            page += section("timelines", "Over time",
                            "<div class=\"lines\">" + html_timelines(stats_) + "</div>");
        page += "<footer>";
        if (has_run())
            page +=
                "Shares are of the time of the stage\xE2\x80\x99s workers, from the start of the "
                "run to its end. ";
        return page + "Made by parallelpipe.</footer>\n</main>\n</body>\n</html>\n";
    }

private:
    bool has_run() const { return stats_.elapsed.count() > 0; }

    /// Replaces the space before a percent sign by one at which no line breaks.
    static std::string unbroken(std::string text) {
        for (std::size_t at = 0; (at = text.find(" %", at)) != std::string::npos;)
            text.replace(at, 1, "&nbsp;");
        return text;
    }

    static std::string section(const std::string& id, const std::string& heading,
                               const std::string& inside) {
        return "<section id=\"" + id + "\" aria-labelledby=\"" + id + "-heading\"" +
               (id == "verdict" ? " class=\"verdict\"" : "") + ">\n<h2 id=\"" + id + "-heading\">" +
               heading + "</h2>\n" + inside + "\n</section>\n";
    }

    static std::string scrolling(const std::string& about, const std::string& inside) {
        return "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + about +
               "\">" + inside + "</div>";
    }

    std::string tiles() const {
        std::string text = "<dl>\n";
        const auto tile = [&](const std::string& name, const std::string& value) {
            text += "<div><dt>" + name + "</dt><dd>" + html_escaped(value) + "</dd></div>\n";
        };
        const bool ends_in_sink = !has_results(stats_);
        const std::uint64_t items = !ends_in_sink           ? stats_.consumer.items
                                    : stats_.stages.empty() ? 0
                                                            : stats_.stages.back().items_in;
        tile("Time", readable(stats_.elapsed));
        tile(ends_in_sink ? "Items done" : "Results", grouped(items));
        tile("Per second", readable(static_cast<double>(items) / in_seconds(stats_.elapsed)));
        if (const auto cpu = cpu_of(stats_); cpu.count() > 0 && stats_.cores > 0)
            tile("Cores used", fixed(in_seconds(cpu) / in_seconds(stats_.elapsed), 1) + " of " +
                                   grouped(stats_.cores));
        std::uint64_t failed = 0;
        for (const StageStatistics& stage : stats_.stages) failed += stage.failed;
        if (failed) tile("Items that failed", grouped(failed));
        return text + "</dl>\n";
    }

    std::string graph() const {
        std::string text = scrolling("picture of the pipeline", html_graph(stats_, verdict_).svg());
        if (!has_run()) return text;
        text += "\n<ul class=\"legend\" aria-label=\"legend\">";
        const auto entry = [&](const char* kind, const char* meaning) {
            text += std::string("<li><i class=\"") + kind + "\"></i>" + meaning + "</li>";
        };
        entry("busy", "busy");
        entry("room", "waiting for room in the queue after it");
        entry("input", "waiting for input");
        entry("queue", "how full the queue was on average");
        return text + "</ul>";
    }

    std::string stages() const {
        const stage_table table(stats_);
        std::string text = "<table>\n<thead><tr>";
        for (const auto& column : table.columns())
            text += "<th scope=\"col\" title=\"" + html_escaped(column.meaning) + "\">" +
                    html_escaped(column.title) + "</th>";
        text += "</tr></thead>\n<tbody>\n";
        for (std::size_t row = 0; row < table.rows(); ++row) {
            text += row == verdict_.stage ? "<tr class=\"limit\">" : "<tr>";
            bool is_first = true;
            for (const auto& column : table.columns()) {
                const std::string cell = html_escaped(column.cells[row]);
                text += is_first ? "<th scope=\"row\">" + cell + "</th>" : "<td>" + cell + "</td>";
                is_first = false;
            }
            text += "</tr>\n";
        }
        return scrolling("table of the stages", text + "</tbody>\n</table>");
    }

    std::string workers() const {
        std::string rows;
        for (const StageStatistics& stage : stats_.stages)
            for (std::size_t i = 0; i < stage.each.size(); ++i) {
                const WorkerStatistics& worker = stage.each[i];
                const auto share = [&](std::chrono::nanoseconds part) {
                    return "<td>" + html_escaped(percent(share_of(part, stats_.elapsed))) + "</td>";
                };
                rows += "<tr><th scope=\"row\">" + html_escaped(stage.name) + '-' +
                        std::to_string(i) + "</th><td>" + grouped(worker.items_in) + "</td><td>" +
                        grouped(worker.items_out) + "</td>" + share(worker.busy) +
                        share(worker.cpu) + share(worker.waiting_for_input) +
                        share(worker.waiting_for_room) + "<td>" +
                        (worker.is_running ? "running" : "ended") + "</td></tr>\n";
            }
        if (rows.empty() || !has_run()) return "";
        std::string head;
        for (const char* title : {"worker", "in", "out", "busy", "cpu", "no input", "no room", ""})
            head += *title ? std::string("<th scope=\"col\">") + title + "</th>" : "<td></td>";
        return "\n<details><summary>Each worker</summary>" +
               scrolling("table of the workers", "<table>\n<thead><tr>" + head +
                                                     "</tr></thead>\n<tbody>\n" + rows +
                                                     "</tbody>\n</table>") +
               "</details>";
    }

    const Statistics& stats_;
    const std::string title_;
    const Verdict verdict_;
};

}  // namespace parallelpipe::detail

#endif
