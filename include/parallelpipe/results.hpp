// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_RESULTS_HPP
#define PARALLELPIPE_RESULTS_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/pipeline/run_base.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/statistics.hpp>

#include <iterator>
#include <ranges>
#include <utility>

namespace parallelpipe::inline v0 {

/// A running pipeline seen from the consumer: the items of the last stage, as they become ready.
/// Shape: a move-only, single-pass range; `*it` is an `Out&` that the consumer may move from.
/// Threads: one consumer; `cancel()` from any thread.
/// Blocks: comparing with `end()` and `*`, until the last stage yields or the run ends. The destructor
///   stops the run and joins every worker: as soon as user code in the stages reaches its next yield,
///   next item or return.
/// Errors: the calls that block throw `TaskException` after the last result if a stage threw, and `CancelledError`
///   if the run was cancelled. A loop that ends normally has seen everything. A consumer that leaves early
///   does not get the errors of the stages.
template <class Out>
class [[nodiscard("parallelpipe: a run whose results are dropped ends at once: loop over them, for "
                   "(auto& x : pipe.results()), or write pipe.execute()")]] Results : public std::ranges::view_base {
    static_assert(can_be_item<Out>,
                  "parallelpipe: a pipeline that ends in a sink has no results; call execute()");

public:
    using value_type = Out;
    using iterator = typename Input<Out>::iterator;

    /// For the library.
    Results(detail::owning_ptr<detail::run_base> run, detail::item_reader<Out>& items) noexcept
        : run_(std::move(run)), items_(&items) {}

    Results(Results&&) noexcept = default;
    Results& operator=(Results&&) noexcept = default;

    /// The first result that the consumer has not looked at; a second loop goes on where the first left. After the
    /// last result of a run that failed or was cancelled, each loop throws the error of the run.
    PARALLELPIPE_RARE iterator begin() {  // inlined, it would cost the loop two instructions a result
        items_->begin();
        return iterator(*items_);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// Stops the run: the loop over the results throws `CancelledError` at its next step.
    /// Threads: any, also a worker of this run, or of a run that such a worker started.
    /// Blocks: until every worker has ended. Such a worker, which would wait for itself, does not block.
    void cancel() { run_->cancel(); }

    /// The statistics of the run until now; after its end, of the whole run.
    /// Threads: any, at any time.
    Statistics stats() const { return detail::stats_of(*run_); }

private:
    detail::owning_ptr<detail::run_base> run_;
    detail::item_reader<Out>* items_;  // the run's
};

}  // namespace parallelpipe

#endif
