// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_JSON_HPP
#define PARALLELPIPE_OBSERVE_JSON_HPP

#include <parallelpipe/detail/observe/json_text.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <cstdint>
#include <string>

namespace parallelpipe::inline v0 {

/// Writes a snapshot of a run as one JSON object in one line, without a newline. Every key is always present and
/// named like the member of Statistics; times are whole nanoseconds.
///
///     {"schema": 1,                       changes when a key is removed or changes its meaning
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
///                    "mean_fill": number or null} or null after a sink}],
///      "consumer": {"items": int, "waiting_ns": int, "busy_ns": int, "cpu_ns": int,
///                   "ready_ns": int, "activity": string, "waiting_since_ns": int,
///                   "taken_by": string, "": a loop of the program},
///      "samples": [{"at_ns": int, "items_out": [int], "fill": [int]}],
///      "verdict": {"kind": string, a name of Verdict::Kind,
///                  "stage": int or null, an index into "stages"; the number of stages means the consumer,
///                  "text": string}}
///
/// Returns: valid UTF-8; a byte of a name that is not UTF-8 becomes U+FFFD.
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
