// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_PROGRESS_HPP
#define PARALLELPIPE_OBSERVE_PROGRESS_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/detail/observe/tty.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace parallelpipe::inline v0 {

/// The settings of a ProgressBar, for designated initialisers: `{.total = 500, .per_stage = true}`.
///
///     std::atomic<std::uint64_t> read{0};      // a stage adds to it
///     ProgressBar bar(std::cerr, {.total = std::filesystem::file_size(path),
///                                 .done = [&] { return read.load(); },
///                                 .unit = "B"});
struct ProgressOptions {
    /// The number of items to come, or the final value of `done`; shows a bar, percent and the time left.
    std::optional<std::uint64_t> total = std::nullopt;
    /// Counts something other than items, such as the bytes of a file. update() calls it in its own thread, which is
    /// the Monitor's thread inside a callback of a Monitor, so the counter must be atomic. update() passes its
    /// exceptions on.
    std::function<std::uint64_t()> done{};
    /// The unit, in the plural: `files`. `B` or `bytes` is shown as kB, MB, GB (of 1,000). Default: items.
    std::string unit{};
    /// Writes nothing.
    bool quiet = false;
    /// Shows the fill of the queue after each stage.
    bool per_stage = false;
    /// The text at the start of the line.
    std::string label{};
    /// The stage whose results are counted, an index into `Statistics::stages`, for a pipeline whose last stage makes
    /// one result from many items. Default: the items that the consumer, or the sink at the end, took.
    std::optional<std::size_t> stage = std::nullopt;
    /// Whether one line is overwritten again and again. Default: if the stream is standard error and a terminal.
    std::optional<bool> is_tty = std::nullopt;
    /// The columns of that line. Default: those of the terminal.
    std::optional<std::size_t> width = std::nullopt;
    /// Without a terminal: the time of the run between two lines.
    std::chrono::nanoseconds line_every = std::chrono::seconds(5);
};

/// Shows the progress of a run: on a terminal one line that changes, elsewhere a line every few seconds.
///
///     titles [=========>            ]  41 %  205 of 500, 21/s, 14 s left
///     titles: 205 of 500, 41 %, 21/s, 14 s left
///     log: 1.20 GB of 3.40 GB, 35 %, 120 MB/s, 19 s left
///
/// A program that prints its own lines to the same terminal calls `clear()` first. The bar takes the time from
/// `Statistics::elapsed`; it reads no clock and starts no thread.
/// Threads: one at a time.
/// Errors: those of the stream, if it throws; none from the destructor.
template <class...>
class BasicProgressBar {
public:
    explicit BasicProgressBar(std::ostream& out = std::cerr, ProgressOptions options = {})
        : out_(out),
          options_(std::move(options)),
          is_tty_(options_.is_tty.value_or(detail::is_tty(out))) {
        options_.label = detail::printable(options_.label);
        options_.unit = detail::printable(options_.unit);
    }
    BasicProgressBar(const BasicProgressBar&) = delete;
    BasicProgressBar& operator=(const BasicProgressBar&) = delete;
    /// Calls finish().
    ~BasicProgressBar() {
        try {
            finish();
        } catch (...) {
            // A last line that the stream refuses is lost.
        }
    }

    /// Shows the state of the run.
    /// Units: the rate is per second, over the last ten seconds.
    /// Errors: what `done` throws.
    void update(const Statistics& stats) {
        if (options_.quiet || is_finished_) return;
        note(stats);
        if (is_tty_) {
            const std::string line = tty_line(stats);
            if (line == shown_) return;
            shown_ = line;
            write('\r' + line + clear_to_the_end);
        } else if (!last_line_ || elapsed_ - *last_line_ >= options_.line_every) {
            last_line_ = elapsed_;
            write(in_front() + details(stats) + '\n');
        }
    }

    /// Removes the line from the terminal until the next `update()`.
    void clear() {
        if (shown_.empty()) return;
        shown_.clear();
        write(std::string("\r") + clear_to_the_end);
    }

    /// Writes a last line with the totals, if anything was shown; later calls write nothing.
    void finish() {
        if (std::exchange(is_finished_, true) || marks_.empty()) return;
        const double seconds = detail::in_seconds(elapsed_);
        const std::string rate =
            seconds > 0 ? ", " + per_second(static_cast<double>(items_) / seconds) : "";
        clear();
        write(in_front() + number_with_unit(items_) + " in " + detail::readable(elapsed_) + rate +
              failures_ + '\n');
    }

private:
    static constexpr const char* clear_to_the_end = "\x1b[K";

    struct mark {
        std::chrono::nanoseconds at{};
        std::uint64_t items = 0;
    };

    void write(const std::string& text) {
        // In one piece, so that no line of another thread falls into it.
        out_.write(text.data(), static_cast<std::streamsize>(text.size()));
        out_.flush();
    }

    std::uint64_t items_of(const Statistics& stats) const {
        if (options_.done) return options_.done();
        if (options_.stage && *options_.stage < stats.stages.size())
            return stats.stages[*options_.stage].items_out;
        if (detail::has_results(stats) || stats.stages.empty()) return stats.consumer.items;
        return stats.stages.back().items_in;
    }

    /// Keeps the position of the run a few times a second.
    void note(const Statistics& stats) {
        elapsed_ = stats.elapsed;
        items_ = items_of(stats);
        std::uint64_t skipped = 0;
        for (const StageStatistics& stage : stats.stages) skipped += stage.skipped;
        failures_ = skipped ? ", " + detail::grouped(skipped) + " skipped" : "";
        if (marks_.empty()) marks_.push_back({});
        if (elapsed_ - marks_.back().at >= std::chrono::milliseconds(200))
            marks_.push_back({elapsed_, items_});
        while (marks_.size() > 1 && elapsed_ - marks_[1].at >= std::chrono::seconds(10))
            marks_.pop_front();
    }

    /// Items (or units of `done`) per second, over the last ten seconds or since the start.
    double rate() const {
        const double seconds = detail::in_seconds(elapsed_ - marks_.front().at);
        if (seconds <= 0 || items_ < marks_.front().items) return 0;
        return static_cast<double>(items_ - marks_.front().items) / seconds;
    }

    bool counts_bytes() const {
        return options_.unit == "B" || options_.unit == "byte" || options_.unit == "bytes";
    }
    /// ` files`; empty for bytes, whose numbers carry their unit, and for items.
    std::string unit() const {
        return options_.unit.empty() || counts_bytes() ? "" : ' ' + options_.unit;
    }
    std::string number(std::uint64_t items) const {
        return counts_bytes() ? detail::readable_bytes(static_cast<double>(items))
                              : detail::grouped(items);
    }
    std::string number_with_unit(std::uint64_t items) const {
        return options_.unit.empty() ? detail::counted(items, "item") : number(items) + unit();
    }
    std::string per_second(double rate) const {
        return (counts_bytes() ? detail::readable_bytes(rate) : detail::readable(rate) + unit()) +
               "/s";
    }

    std::string in_front() const { return options_.label.empty() ? "" : options_.label + ": "; }

    double share() const {
        if (!options_.total || *options_.total == 0) return 1;
        return std::min(static_cast<double>(items_) / static_cast<double>(*options_.total), 1.0);
    }

    std::string time_left() const {
        if (!options_.total || items_ >= *options_.total) return "";
        const double now = rate();
        if (now <= 0) return "";
        const double seconds = std::ceil(static_cast<double>(*options_.total - items_) / now);
        if (seconds < 60) return ", " + detail::fixed(seconds, 0) + " s left";
        if (seconds > 1e6) return ", days left";
        return ", " + detail::readable(std::chrono::seconds(static_cast<std::int64_t>(seconds))) +
               " left";
    }

    /// `205 of 500, 41 %, 21/s, 14 s left`
    std::string details(const Statistics& stats, bool with_percent = true) const {
        std::string text = options_.total
                               ? number(items_) + " of " + number(*options_.total) + unit()
                               : number_with_unit(items_);
        if (options_.total && with_percent) text += ", " + detail::percent(share());
        text += ", " + per_second(rate()) + time_left() + failures_;
        if (!options_.total) text += ", " + detail::readable(elapsed_);
        if (!options_.per_stage) return text;
        for (const StageStatistics& stage : stats.stages) {
            if (!stage.queue) continue;
            text += "; " + detail::printable(stage.name) + ' ' + detail::grouped(stage.queue->fill);
            if (stage.queue->capacity) text += '/' + detail::grouped(stage.queue->capacity);
        }
        return text;
    }

    std::string tty_line(const Statistics& stats) const {
        std::string line = options_.label.empty() ? "" : options_.label + ' ';
        if (options_.total) {
            constexpr std::size_t cells = 24;
            const auto done = static_cast<std::size_t>(share() * cells);
            std::string bar(done, '=');
            if (done < cells) bar += '>';
            bar.resize(cells, ' ');
            const std::string percent = detail::percent(share());
            line += '[' + bar + "] " +
                    std::string(5 - std::min<std::size_t>(5, percent.size()), ' ') + percent + "  ";
        }
        line += details(stats, false);
        // A line that reaches the last column wraps, and the terminal keeps it.
        const std::size_t width = options_.width.value_or(detail::tty_width());
        return detail::shortened(line, std::max<std::size_t>(width, 2) - 1);
    }

    std::ostream& out_;
    ProgressOptions options_;
    const bool is_tty_;
    bool is_finished_ = false;
    std::string shown_;
    std::string failures_;
    std::optional<std::chrono::nanoseconds> last_line_;
    std::chrono::nanoseconds elapsed_{};
    std::uint64_t items_ = 0;
    std::deque<mark> marks_;  // the oldest first: the start, or ten seconds ago
};

/// A template only so that programs without a ProgressBar do not compile it.
using ProgressBar = BasicProgressBar<>;

}  // namespace parallelpipe

#endif
