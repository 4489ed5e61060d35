// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_STAGE_TABLE_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_STAGE_TABLE_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A run as a table: a row for each stage and one for the consumer. Columns without information are left out. The
/// first column holds the names, `printable`.
template <class...>
class stage_table {
public:
    struct column {
        std::string title;
        std::string meaning;  // a description in words
        std::vector<std::string> cells{};
    };

    explicit stage_table(const Statistics& stats)
        : stats_(stats), has_run_(stats.elapsed.count() > 0) {
        const auto any = [&](auto number) {
            return detail::any_of(stats_.stages, [&](const auto& s) { return number(s) > 0; });
        };
        add(
            "stage", "the stage's name", [](const auto& s) { return name(s); }, "(results)");
        add(
            "workers", "threads of the stage", [](const auto& s) { return grouped(s.workers); },
            "");
        if (has_run_) {
            add(
                "in", "items taken",
                [&](const auto& s) {
                    // A source takes no items, unless it is fused with its range.
                    return &s == &stats.stages[0] && s.items_in == 0 ? "" : grouped(s.items_in);
                },
                grouped(stats.consumer.items));
            add(
                "out", "results handed on",
                [](const auto& s) { return s.queue ? grouped(s.items_out) : ""; }, "");
            const load consumer = load_of(stats.consumer, stats.elapsed);
            add(
                "busy", "share of its workers' time in the stage function",
                [&](const auto& s) { return percent(of(s).busy); }, percent(consumer.busy));
            if (cpu_of(stats).count() > 0)
                add(
                    "cpu", "share of its workers' time on a core",
                    [&](const auto& s) { return percent(of(s).cpu); }, percent(consumer.cpu));
            add(
                "no input", "share of its workers' time waiting for an item",
                [&](const auto& s) { return percent(of(s).waiting_for_input); },
                percent(consumer.waiting_for_input));
            add(
                "no room", "share of its workers' time waiting for room in the queue after it",
                [&](const auto& s) { return percent(of(s).waiting_for_room); }, "");
            add(
                "queued", "results in the queue after it now",
                [](const auto& s) { return s.queue ? grouped(s.queue->fill) : ""; }, "");
            add(
                "mean", "results that waited on average",
                [](const auto& s) { return s.queue ? readable(s.queue->mean_fill) : ""; }, "");
            add(
                "most", "the most that waited at one time",
                [](const auto& s) { return s.queue ? grouped(s.queue->high_water) : ""; }, "");
        }
        add(
            "room", "the most that may wait",
            [](const auto& s) {
                if (!s.queue) return std::string();
                return s.queue->capacity ? grouped(s.queue->capacity) : std::string("unlimited");
            },
            "");
        if (any([](const auto& s) { return s.failed; }))
            add(
                "failed", "items that failed", [](const auto& s) { return grouped(s.failed); }, "");
        if (any([](const auto& s) { return s.retried; }))
            add(
                "retried", "attempts after the first",
                [](const auto& s) { return grouped(s.retried); }, "");
        if (any([](const auto& s) { return s.skipped; }))
            add(
                "skipped", "items that failed and were dropped",
                [](const auto& s) { return grouped(s.skipped); }, "");
    }

    const std::vector<column>& columns() const { return columns_; }
    std::size_t rows() const { return columns_.front().cells.size(); }

private:
    static std::string name(const StageStatistics& stage) {
        std::string text = printable(stage.name);
        if (stage.is_ordered) text += " (ordered)";
        if (stage.is_keyed) text += " (keyed)";
        return text;
    }

    load of(const StageStatistics& stage) const { return load_of(stage, stats_.elapsed); }

    template <class F>
    void add(const char* title, const char* meaning, F cell, std::string consumer) {
        column made{title, meaning};
        for (const StageStatistics& stage : stats_.stages) made.cells.emplace_back(cell(stage));
        if (has_run_ && has_results(stats_)) made.cells.push_back(std::move(consumer));
        columns_.push_back(std::move(made));
    }

    const Statistics& stats_;
    const bool has_run_;
    std::vector<column> columns_;
};

/// `2.40 s, ended; 4 cores, 61 % used`.
template <class...>
std::string headline(const Statistics& stats) {
    if (stats.elapsed.count() <= 0) return "not run yet";
    std::string text = readable(stats.elapsed) + (stats.has_ended ? ", ended" : ", running");
    if (stats.cores == 0) return text;
    text += "; " + counted(stats.cores, "core");
    if (const auto cpu = cpu_of(stats); cpu.count() > 0)
        text += ", " + percent(share_of(cpu, stats.elapsed, stats.cores)) + " used";
    return text;
}

}  // namespace parallelpipe::detail

#endif
