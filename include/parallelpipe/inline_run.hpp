// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_INLINE_RUN_HPP
#define PARALLELPIPE_INLINE_RUN_HPP

namespace parallelpipe::inline v0 {

/// The type of `inline_run`.
struct inline_run_t {
    explicit inline_run_t() = default;
};

/// Runs a pipeline without threads: `for (auto& x : pipe.results(inline_run))`. For debugging and tests.
/// Shape: the results and errors of a run with threads, in the order of the input. Everything runs in the
///   consumer's thread, when it asks for the next result, and only as far as that one needs. The workers
///   of a stage run one after the other: the first one gets the items, until its function returns.
///   Where something throws, all results of what came before it arrive. With threads the run stops at once: results
///   that had not left the last stage are missing, and a task that fails meanwhile is reported, too. There
///   all of them arrive as well if each stage is ordered, as in `pipe.ordered()`.
/// Threads: none, but the reader of a `batch(n, max_wait)`, and where a stage runs a pipeline over its Input
///   the threads of that run and one for the stages before. The results belong to one thread; `cancel()` from
///   any.
inline constexpr inline_run_t inline_run{};

}  // namespace parallelpipe

#endif
