// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_RUN_BASE_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_RUN_BASE_HPP

// What Results know of the run that they belong to.

#include <parallelpipe/statistics.hpp>

namespace parallelpipe::inline v0::detail {

class run;

/// A run as its consumer holds it. The destructor stops the run and joins its workers.
class run_base {
public:
    virtual ~run_base() = default;
    virtual void cancel() = 0;
    /// The run's threads; null for an inline run.
    virtual const run* threads() const noexcept { return nullptr; }
};

/// Defined in launch.hpp, which knows both kinds of runs. A template, so that only programs that ask for
/// statistics compile it.
template <class...>
Statistics stats_of(const run_base& of);

}  // namespace parallelpipe::detail

#endif
