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
    /// How much there will be: items, or what `done` counts. Known: a bar, percent and the time left.
    std::optional<std::uint64_t> total = std::nullopt;
    /// How much is done, if items are not what is to be counted: bytes of a file, say. update() calls it, in
    /// its thread, which is a Monitor's in a callback of that: so what it reads is atomic. What it throws
    /// leaves update().
    std::function<std::uint64_t()> done{};
    /// What is counted, in the plural: `files`. `B`, or `bytes`, is shown as kB, MB, GB (of 1,000). Default:
    /// items.
    std::string unit{};
    /// Writes nothing at all.
    bool quiet = false;
    /// Shows what waits behind each stage.
    bool per_stage = false;
    /// Stands in front.
    std::string label{};
    /// Without `done`: which stage's results are counted, an index into `Statistics::stages`: for a pipeline whose
    /// last stage has one result for many items. Default: what the consumer, or the sink at the
    /// end, took.
    std::optional<std::size_t> stage = std::nullopt;
    /// Whether one line is written over and over. Default: if the stream is the one for errors and
    /// goes to a terminal.
    std::optional<bool> is_tty = std::nullopt;
    /// Columns of that line. Default: the terminal's.
    std::optional<std::size_t> width = std::nullopt;
    /// Where it is not a terminal: how much of the run's time passes between two lines.
    std::chrono::nanoseconds line_every = std::chrono::seconds(5);
};

/// Shows how far a run is: on a terminal one line that changes, elsewhere a line now and then.
///
///     titles [=========>            ]  41 %  205 of 500, 21/s, 14 s left
///     titles: 205 of 500, 41 %, 21/s, 14 s left
///     log: 1.20 GB of 3.40 GB, 35 %, 120 MB/s, 19 s left
///
/// It writes to the stream it was given, by default the one for errors, never to the standard
/// output. A program that prints lines of its own to the same terminal calls `clear()` before.
/// Time is the run's (`Statistics::elapsed`): it reads no clock and starts no thread.
/// Threads: one at a time.
/// Errors: the stream's, if it throws; none from the destructor.
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
    /// As `finish()`.
    ~BasicProgressBar() {
        try {
            finish();
        } catch (...) {
            // What could not be shown is lost.
        }
    }

    /// Shows the run as it is now.
    /// Units: the rate is that of the last ten seconds, per second.
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

    /// Writes how it went as a last line; after that nothing more. Nothing if nothing was shown.
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
        // In one piece, so that other threads' lines come before or behind it.
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

    /// Remembers where the run was, a few times a second.
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

    /// Items, or what is counted instead, per second: over the last ten seconds or since the start.
    double rate() const {
        const double seconds = detail::in_seconds(elapsed_ - marks_.front().at);
        if (seconds <= 0 || items_ < marks_.front().items) return 0;
        return static_cast<double>(items_ - marks_.front().items) / seconds;
    }

    bool counts_bytes() const {
        return options_.unit == "B" || options_.unit == "byte" || options_.unit == "bytes";
    }
    /// ` files`; nothing of bytes, whose numbers have their unit, and of items.
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
        // A line that reaches the last column would go on in the next one, and stay there.
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
    std::deque<mark> marks_;  // the oldest in front: the start, or ten seconds ago
};

/// The one there is: a template only so that programs without one do not compile it.
using ProgressBar = BasicProgressBar<>;

}  // namespace parallelpipe

#endif
