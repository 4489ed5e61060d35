// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_TRACE_HPP
#define PARALLELPIPE_OBSERVE_TRACE_HPP

#include <parallelpipe/detail/observe/trace_text.hpp>
#include <parallelpipe/observe/monitor.hpp>
#include <parallelpipe/statistics.hpp>

#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>

namespace parallelpipe::inline v0 {

/// Writes what each worker did over time, in the trace format of chrome://tracing and ui.perfetto.dev: a line for
/// each worker and one for the consumer, with the spans `busy`, `waits for input` and `waits for room`, and a
/// counter for the fill of each queue. The Monitor must watch the run, or have watched it, with trace().
///
///     Monitor monitor;
///     pipe.execute(monitor.trace());
///     write_trace("run.json", monitor);
///
/// If a worker had more waits than trace() keeps, its line says `not recorded any more` up to the first wait that
/// was kept. Time starts with the run.
/// Threads: any, also while the run goes on.
/// Errors: `std::logic_error` if the monitor keeps no trace.
template <class...>
void write_trace(std::ostream& out, const Monitor& monitor) {
    const detail::run_record record = monitor.record_of_trace();
    out << detail::trace_text(record.stats, record.threads).text();
}

/// Writes the same to a file, which is replaced.
/// Errors: `std::runtime_error` if the file cannot be written.
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
