// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_TRACE_HPP
#define PARALLELPIPE_OBSERVE_TRACE_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/detail/observe/traced_threads.hpp>
#include <parallelpipe/observe/monitor.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

namespace detail {

/// Builds write_trace's text: an event a line.
template <class...>
class trace_text {
public:
    trace_text(const Statistics& stats, const std::vector<traced_thread>& threads) {
        text_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
        metadata("process_name", 0, "\"name\":\"parallelpipe\"");
        for (std::size_t i = 0; i < threads.size(); ++i) add(threads[i], i + 1);
        for (const Sample& sample : stats.samples) add(sample, stats);
        text_ += "\n]}\n";
    }

    const std::string& text() const { return text_; }

private:
    /// The lines of the waits of a thread and of what is between. What two threads of one worker
    /// waited for at the same time is shown once.
    void add(const traced_thread& from, std::size_t number) {
        metadata("thread_name", number, "\"name\":\"" + json_escaped(from.name) + '"');
        metadata("thread_sort_index", number, "\"sort_index\":" + std::to_string(number));

        std::vector<std::pair<span, const char*>> waits;
        for (const span& wait : from.for_input) waits.emplace_back(wait, "waits for input");
        for (const span& wait : from.for_room) waits.emplace_back(wait, "waits for room");
        std::sort(waits.begin(), waits.end(),
                  [](const auto& a, const auto& b) { return a.first.began < b.first.began; });

        std::int64_t at = from.life.began;
        const auto until = [&](std::int64_t end, const char* name) {
            if (end <= at) return;
            begin_event("X", name, number, at);
            text_ += ",\"dur\":" + microseconds(end - at) + '}';
            at = end;
        };
        until(from.known_from, "not recorded any more");
        for (const auto& [wait, name] : waits) {
            until(std::min(wait.began, from.life.ended), "busy");
            until(std::min(wait.ended, from.life.ended), name);
        }
        until(from.life.ended, "busy");
    }

    /// What waited in the queues then.
    void add(const Sample& sample, const Statistics& stats) {
        for (std::size_t i = 0; i < std::min(stats.stages.size(), sample.fill.size()); ++i) {
            if (!stats.stages[i].queue) continue;
            // Names need not be unique, the viewer wants them so.
            begin_event("C", "queue " + std::to_string(i) + ", behind " + stats.stages[i].name, 0,
                        sample.at.count());
            text_ += ",\"args\":{\"items\":" + std::to_string(sample.fill[i]) + "}}";
        }
    }

    void metadata(const std::string& what, std::size_t thread, const std::string& value) {
        begin_event("M", what, thread, 0);
        text_ += ",\"args\":{" + value + "}}";
    }

    /// Everything but what is behind its time.
    void begin_event(const char* kind, const std::string& name, std::size_t thread,
                     std::int64_t at) {
        if (text_.back() == '}') text_ += ",\n";
        text_ += std::string("{\"ph\":\"") + kind + "\",\"name\":\"" + json_escaped(name) +
                 "\",\"pid\":1,\"tid\":" + std::to_string(thread) + ",\"ts\":" + microseconds(at);
    }

    static std::string microseconds(std::int64_t nanoseconds) {
        const std::string digits = std::to_string(nanoseconds % 1000);
        return std::to_string(nanoseconds / 1000) + '.' + std::string(3 - digits.size(), '0') +
               digits;
    }

    std::string text_;
};

}  // namespace detail

/// Writes what each worker did when, for chrome://tracing, ui.perfetto.dev and others that read
/// Chrome's trace format: a line for each worker and one for who takes the results, with the spans
/// `busy`, `waits for input` and `waits for room`; below, how full each queue was. For a run that a
/// Monitor watches or has watched with trace().
///
/// When a worker had more waits than trace() keeps, its line says `not recorded any more` up to the
/// first that is known. Time begins with the run.
/// Threads: any, also while the run goes on.
/// Errors: `std::logic_error` if the monitor keeps no trace.
template <class...>
void write_trace(std::ostream& out, const Monitor& monitor) {
    const detail::run_record record = monitor.record_of_trace();
    out << detail::trace_text(record.stats, record.threads).text();
}

/// The same, written to a file, which is replaced.
/// Errors: `std::runtime_error` when it cannot be written.
template <class...>
void write_trace(const std::string& file, const Monitor& monitor) {
    const detail::run_record record = monitor.record_of_trace();
    std::ofstream out(file, std::ios::binary);
    out << detail::trace_text(record.stats, record.threads).text();
    out.close();
    if (!out) throw std::runtime_error("parallelpipe: cannot write " + file);
}

}  // namespace parallelpipe

#endif
