// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_TRACE_TEXT_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_TRACE_TEXT_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/traced_threads.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The text of write_trace(): one event a line.
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
    /// The events of one thread: its waits and the busy spans between them. If two threads of one worker wait at
    /// the same time, one wait is shown.
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

    /// The fill of each queue at the moment of the sample.
    void add(const Sample& sample, const Statistics& stats) {
        for (std::size_t i = 0; i < std::min(stats.stages.size(), sample.fill.size()); ++i) {
            if (!stats.stages[i].queue) continue;
            // Stage names may repeat; the viewer needs unique names.
            begin_event("C", "queue " + std::to_string(i) + ", after " + stats.stages[i].name, 0,
                        sample.at.count());
            text_ += ",\"args\":{\"items\":" + std::to_string(sample.fill[i]) + "}}";
        }
    }

    void metadata(const std::string& what, std::size_t thread, const std::string& value) {
        begin_event("M", what, thread, 0);
        text_ += ",\"args\":{" + value + "}}";
    }

    /// Writes an event up to its time; the caller adds the rest and the closing brace.
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

}  // namespace parallelpipe::detail

#endif
