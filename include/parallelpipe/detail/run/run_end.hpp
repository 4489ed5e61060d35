// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_RUN_END_HPP
#define PARALLELPIPE_DETAIL_RUN_RUN_END_HPP

// How a run ends, and why no thread waits for ever and nothing is left over.
//
// A worker waits only in a queue, for items or for room, and in a keyed stage also for its siblings. Each of these
// waits ends when the queue is aborted; channel.hpp and key_router.hpp say which call wakes which wait. (Workers that
// read a range themselves also wait for their turn: range_in_turn.hpp.) However a stage function ends, the worker
// tells both queues: consumer_left(), producer_left().
//
// * Normal end: the source returns. As the last worker of each stage leaves, the sentinel moves on to the next
//   queue. The consumer finds the last sentinel, joins the workers, and its loop ends.
// * All workers of a stage return while input remains: the last one aborts the queues before the stage. The workers
//   there unwind at their next yield or item, or at once if they wait. Later stages end normally.
// * A worker throws: fail() reports the error, closes the last queue, so that the consumer still gets what had been
//   delivered, and aborts the others. The last stage's workers leave, which posts the sentinel; at the sentinel
//   finish() throws the TaskException.
// * A worker of an ordered stage throws: the items before the failing one go on to the end, nothing from after it
//   leaves the stage. The siblings leave one by one when they ask for more items. When the last result from before
//   the failure has left, nothing_leaves() stops the siblings that still work, and the stages before. Later stages
//   end normally, and finish() throws after the last result.
// * OnError::finish: the failing worker leaves and everything else goes on. The last worker of a stage that has lost
//   all of them reads the rest of the input and ignores it.
// * The consumer leaves (break, an exception, destroying Results), cancel(), or a stop_token: all queues are aborted,
//   the last one too, so the consumer wakes as well.
// * A thread cannot be started: the same, then start() throws the error.
// * The consumer's own thread throws, moving an item out of the last queue: an error of the task "results-0", as if a
//   worker had thrown it.
// * A Monitor's callback throws, or its watchdog ends the run: the same, for "monitor-0" or "watchdog-0".
//
// The thread that ends a run joins all others before it returns, the Monitor's last. Coroutines, callables and items
// that were taken ahead live on the workers' stacks and die there. Items that no worker will read die before the
// join, because the source may wait for them to die: those in a queue when its last reader leaves, those of the
// consumer before it joins.
//
// | atomic   | written by                                  | read by                | order                         |
// |----------|---------------------------------------------|------------------------|-------------------------------|
// | outcome_ | the first reason to end, once, any thread,  | throw_outcome(), after | carries nothing but itself;   |
// |          | before the abort that ends the consumer's   | the join;              | the default order, because it |
// |          | loop                                        | throw_if_stopped()     | is read and written rarely    |

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/run/run_stages.hpp>
#include <parallelpipe/detail/run/task_group.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/setup.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

class run_end {
public:
    run_end(run_stages& stages, task_group& group)
        : stages_(stages), group_(group), listeners_(stages.size()) {
        for (std::size_t i = 0; i < stages.size(); ++i) {
            listeners_[i].end = this;
            listeners_[i].stage = i;
            if (stages[i].order) stages[i].order->listen(listeners_[i]);
        }
    }
    run_end(const run_end&) = delete;
    run_end& operator=(const run_end&) = delete;

    // ---- the reasons to end; none of these calls waits ----

    /// An exception: the run stops, and what the last stage has delivered stays.
    void fail(failure what) {
        group_.report(std::move(what));
        set(has_failed);
        if (stages_.output()) stages_.output()->close();
        stages_.abort_queues(stages_.size() - 1);
        stages_.request_stop(stages_.size());
    }

    /// The run is cancelled: nothing more reaches the consumer.
    void cancel() { stop_as(was_cancelled); }

    /// A worker was unwound by another run, whose items this one reads.
    void unwind() { stop_as(was_unwound); }

    /// The stage function of a worker threw while the worker read `in`.
    void worker_failed(failure what, item_reader_base* in, const inner_failure& inner) {
        const running_stage& here = stages_[what.stage];
        const std::uint64_t number = in ? in->number_in_hand() : 0;
        if (in && in->has_taken() && here.is_ordered) what.item = number;
        if ((here.on_error() == OnError::finish && !inner.stops_run) || inner.run_goes_on) {
            group_.report(std::move(what));  // the others go on
        } else if (here.is_ordered || (inner.in_order && here.workers == 1)) {
            const std::size_t worker = what.worker;
            group_.report(std::move(what));
            // If the worker had seen the end of its items, the siblings end by themselves, and may still yield.
            const bool stops = !here.order || here.order->fail(worker, number);
            if (in && stops) here.range ? here.range->stop() : here.in->stop_before(number);
        } else {
            fail(std::move(what));
        }
    }

    /// All workers of a stage have left: the stages before it work for nothing.
    void input_not_needed(std::size_t stage) {
        stages_.abort_queues(stage);
        stages_.request_stop(stage);
    }

    // ---- what the consumer gets ----

    /// Errors: `CancelledError` if the run was cancelled. If another run unwound this one, `stop_unwind` on a worker of
    ///   that run, so that the worker is unwound, too; else `CancelledError`.
    void throw_if_stopped() const {
        const int now = outcome_;
        if (now == was_unwound) throw_unwound();
        if (now == was_cancelled) throw CancelledError();
    }

    /// Called after all workers have ended, any number of times; says how the run went.
    /// Errors: those of throw_if_stopped(), or TaskException, by what came first.
    void throw_outcome() {
        set(has_ended);
        throw_if_stopped();
        std::vector<TaskError> errors;
        group_.each_failure([&](const failure& what) {
            errors.emplace_back(!what.inner_stage.empty()       ? what.inner_stage
                                : what.stage < stages_.size() ? stages_[what.stage].name
                                                              : "results",
                                what.worker, what.cause, what.item);
        });
        if (!errors.empty()) throw TaskException(std::move(errors));
    }

private:
    enum outcome : int { is_running, has_ended, has_failed, was_cancelled, was_unwound };

    struct listener final : order_listener {
        run_end* end = nullptr;
        std::size_t stage = 0;

        void nothing_leaves() override { end->nothing_leaves(stage); }
    };

    /// Nothing more leaves an ordered stage that has failed: it and the stages before work for nothing.
    void nothing_leaves(std::size_t stage) {
        if (stages_[stage].range) stages_[stage].range->stop();
        stages_.abort_queues(stage);
        stages_.request_stop(stage + 1);
    }

    void stop_as(outcome why) {
        set(why);
        stages_.abort_queues(stages_.size());
        stages_.request_stop(stages_.size());
    }

    /// The first reason to end wins.
    void set(outcome why) {
        int running = is_running;
        outcome_.compare_exchange_strong(running, why);
    }

    run_stages& stages_;
    task_group& group_;
    const owning_ptr<listener[]> listeners_;  // one per stage
    sync::atomic<int> outcome_{is_running};
};

}  // namespace parallelpipe::detail

#endif
