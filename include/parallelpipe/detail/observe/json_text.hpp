// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_JSON_TEXT_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_JSON_TEXT_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace parallelpipe::inline v0::detail {

/// Writes JSON from front to back and places the commas.
class json_writer {
public:
    /// The key of the next value in its object.
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

    /// Writes an array; `each(element)` writes one value.
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

    /// The shortest text that reads back as the same number; JSON has no infinity, so that is null.
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

/// The keys that a worker and a stage share.
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

/// The keys that a worker and the consumer share.
template <class From>
void write_activity(json_writer& to, const From& from) {
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

}  // namespace parallelpipe::detail

#endif
