// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_STALL_HPP
#define PARALLELPIPE_OBSERVE_STALL_HPP

#include <parallelpipe/detail/observe/stall_text.hpp>
#include <parallelpipe/statistics.hpp>

#include <chrono>
#include <string>

namespace parallelpipe::inline v0 {

/// Describes a run that makes no progress: a sentence that names the worker that all others wait for, a line for
/// each worker and for the consumer, and the fill of each queue. The watchdog of a Monitor writes this report;
/// `still` is the time since the last progress.
///
///     Nothing has moved for 10.0 s. fetch-1 has been in its stage function all the time; ...
///
///     source-0   has waited 9.98 s for room after source (16 of 16)
///     fetch-0    has ended
///     fetch-1    is in its stage function
///     (results)  the loop that takes them has waited 9.99 s for input from the queue ...
///     queues: source 16 of 16, fetch 0 of 1,024
///
/// Returns: lines that end with a newline, in UTF-8; control characters of names are replaced.
/// Errors: what `std::string` throws.
template <class...>
std::string stall_report(const Statistics& stats, std::chrono::nanoseconds still) {
    return detail::stall_text(stats, still).text();
}

}  // namespace parallelpipe

#endif
