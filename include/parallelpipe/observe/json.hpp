// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_JSON_HPP
#define PARALLELPIPE_OBSERVE_JSON_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parallelpipe::inline v0 {

namespace detail {

/// Writes JSON from front to back and sets the commas.
class json_writer {
public:
    /// The next value's name in its object.
    json_writer& key(std::string_view name) {
        separate();
        (text_ += '"').append(name) += "\":";
        is_first_ = true;
        return *this;
    }

    template <class F>
    void object(F inside) {
        nested('{', '}', inside);
    }

    /// `each(element)` writes one value.
    template <class Range, class F>
    void array(const Range& range, F each) {
        nested('[', ']', [&] {
            for (const auto& element : range) each(element);
        });
    }

    void string(std::string_view value) { put('"' + json_escaped(value) + '"'); }
    void boolean(bool value) { put(value ? "true" : "false"); }
    void number(std::uint64_t value) { put(std::to_string(value)); }
    void time(std::chrono::nanoseconds value) { put(std::to_string(value.count())); }
    void null() { put("null"); }

    /// The shortest that reads back as the same number. JSON has no infinity.
    void real(double value) {
        std::array<char, 32> text;
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
        put(std::isfinite(value) ? std::string_view(text.data(), end.ptr) : "null");
    }

    const std::string& text() const { return text_; }

private:
    void separate() {
        if (!is_first_) text_ += ',';
        is_first_ = false;
    }
    void put(std::string_view value) {
        separate();
        text_ += value;
    }
    template <class F>
    void nested(char open, char close, F inside) {
        separate();
        text_ += open;
        is_first_ = true;
        inside();
        text_ += close;
        is_first_ = false;
    }

    std::string text_;
    bool is_first_ = true;
};

/// What a worker and a stage have in common.
template <class Counts>
void write_counts(json_writer& to, const Counts& from) {
    to.key("items_in").number(from.items_in);
    to.key("items_out").number(from.items_out);
    to.key("skipped").number(from.skipped);
    to.key("retried").number(from.retried);
    to.key("failed").number(from.failed);
    to.key("busy_ns").time(from.busy);
    to.key("waiting_for_input_ns").time(from.waiting_for_input);
    to.key("waiting_for_room_ns").time(from.waiting_for_room);
    to.key("cpu_ns").time(from.cpu);
    to.key("ready_ns").time(from.ready);
}

/// The same of a worker and the consumer.
template <class Who>
void write_activity(json_writer& to, const Who& from) {
    to.key("activity").string(to_string(from.activity));
    to.key("waiting_since_ns").time(from.waiting_since);
}

template <class...>
void write_stage(json_writer& to, const StageStatistics& from) {
    to.key("name").string(from.name);
    to.key("workers").number(from.workers);
    to.key("is_range").boolean(from.is_range);
    to.key("is_ordered").boolean(from.is_ordered);
    to.key("is_keyed").boolean(from.is_keyed);
    write_counts(to, from);
    to.key("each").array(from.each, [&](const WorkerStatistics& worker) {
        to.object([&] {
            write_counts(to, worker);
            to.key("is_running").boolean(worker.is_running);
            write_activity(to, worker);
        });
    });
    to.key("queue");
    if (!from.queue) return to.null();
    to.object([&] {
        to.key("capacity").number(from.queue->capacity);
        to.key("fill").number(from.queue->fill);
        to.key("high_water").number(from.queue->high_water);
        to.key("mean_fill").real(from.queue->mean_fill);
    });
}

template <class...>
void write_verdict(json_writer& to, const Verdict& from) {
    to.key("kind").string(to_string(from.kind));
    to.key("stage");
    if (from.stage == Verdict::no_stage)
        to.null();
    else
        to.number(from.stage);
    to.key("text").string(from.text);
}

}  // namespace detail

/// A snapshot of a run for programs: one JSON object, in one line, without a newline. All keys are
/// always there, named as the members of Statistics; times are whole nanoseconds.
///
///     {"schema": 1,                       a new number when a key goes or changes its meaning
///      "elapsed_ns": int, "has_ended": bool, "cores": int (0: unknown),
///      "stages": [{
///          "name": string, "workers": int, "is_range": bool, "is_ordered": bool, "is_keyed": bool,
///          "items_in": int, "items_out": int, "skipped": int, "retried": int, "failed": int,
///          "busy_ns": int, "waiting_for_input_ns": int, "waiting_for_room_ns": int,
///          "cpu_ns": int (0: unknown), "ready_ns": int (0: unknown),
///          "each": [{the same from "items_in" to "ready_ns", "is_running": bool,
///                    "activity": string, a name of Activity,
///                    "waiting_since_ns": int (0: it does not wait)}],
///          "queue": {"capacity": int (0: unlimited), "fill": int, "high_water": int,
///                    "mean_fill": number or null} or null behind a sink}],
///      "consumer": {"items": int, "waiting_ns": int, "busy_ns": int, "cpu_ns": int,
///                   "ready_ns": int, "activity": string, "waiting_since_ns": int,
///                   "taken_by": string, "" is a loop},
///      "samples": [{"at_ns": int, "items_out": [int], "fill": [int]}],
///      "verdict": {"kind": string, a name of Verdict::Kind,
///                  "stage": int or null, an index into "stages"; their number is the consumer,
///                  "text": string}}
///
/// Returns: valid UTF-8 whatever the names are: a byte that is none becomes U+FFFD.
/// Errors: what `std::string` throws.
template <class...>
std::string to_json(const Statistics& stats) {
    detail::json_writer to;
    to.object([&] {
        to.key("schema").number(1);
        to.key("elapsed_ns").time(stats.elapsed);
        to.key("has_ended").boolean(stats.has_ended);
        to.key("cores").number(stats.cores);
        to.key("stages").array(stats.stages, [&](const StageStatistics& stage) {
            to.object([&] { detail::write_stage(to, stage); });
        });
        to.key("consumer").object([&] {
            to.key("items").number(stats.consumer.items);
            to.key("waiting_ns").time(stats.consumer.waiting);
            to.key("busy_ns").time(stats.consumer.busy);
            to.key("cpu_ns").time(stats.consumer.cpu);
            to.key("ready_ns").time(stats.consumer.ready);
            detail::write_activity(to, stats.consumer);
            to.key("taken_by").string(stats.consumer.taken_by);
        });
        to.key("samples").array(stats.samples, [&](const Sample& sample) {
            const auto number = [&](std::uint64_t n) { to.number(n); };
            to.object([&] {
                to.key("at_ns").time(sample.at);
                to.key("items_out").array(sample.items_out, number);
                to.key("fill").array(sample.fill, number);
            });
        });
        to.key("verdict").object([&] { detail::write_verdict(to, explain(stats)); });
    });
    return to.text();
}

}  // namespace parallelpipe

#endif
