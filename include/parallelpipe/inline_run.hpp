#ifndef PARALLELPIPE_INLINE_RUN_HPP
#define PARALLELPIPE_INLINE_RUN_HPP

namespace parallelpipe {

/// The type of `inline_run`.
struct inline_run_t {
    explicit inline_run_t() = default;
};

/// Runs a pipeline without threads: `for (auto& x : pipe.results(inline_run))`. For debugging and tests.
/// Shape: the same results and the same errors, in the order of the input. Everything runs in the
///   consumer's thread, when it asks for the next result, and only as far as that one needs. The workers
///   of a stage run one after the other: the first one gets the items, until its function returns.
/// Threads: none, but the reader of a `batch(n, max_wait)`. The results belong to one thread; `cancel()`
///   from any.
inline constexpr inline_run_t inline_run{};

}  // namespace parallelpipe

#endif
