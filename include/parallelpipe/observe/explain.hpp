// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_EXPLAIN_HPP
#define PARALLELPIPE_OBSERVE_EXPLAIN_HPP

#include <parallelpipe/detail/observe/explanation.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <string>
#include <utility>

namespace parallelpipe::inline v0 {

/// Names what limits a run and what to change, from a snapshot taken during the run or after its end.
///
///     auto results = (lines | parse | count).results();
///     ...
///     std::cout << explain(results.stats()).text << '\n';
///
/// The bottleneck is the stage that never waits: the stages before it wait for room, the stages after it for
/// input. A sink counts as a stage; the thread that called execute() does not. The processor times `cpu` and
/// `ready` and the number of `cores`, where known, separate a stage that computes from a stage that sleeps and
/// from a machine whose cores are all in use. Without `cpu` every stage is taken to compute. Where other
/// programs use the machine too, the queues show which worker waited for a core instead of an item; without
/// `ready`, a stage that computes from time to time may look like one that sleeps.
/// Threads: reads `stats` only.
/// Errors: what `std::string` throws.
/// Cost: a few microseconds.
template <class...>
Verdict explain(const Statistics& stats) {
    const detail::diagnosis found(stats);
    Verdict verdict = found.verdict();
    verdict.text = detail::explanation(stats, found).text(verdict);
    verdict.text = detail::capitalized(std::move(verdict.text));
    return verdict;
}

}  // namespace parallelpipe

#endif
