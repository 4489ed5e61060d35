// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_RUN_HPP
#define PARALLELPIPE_DETAIL_RUN_RUN_HPP

// One run of a pipeline: queues between the stages, one thread per worker. run_end.hpp says how a run ends.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/run/consumer_counters.hpp>
#include <parallelpipe/detail/run/observed_run.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/run/run_end.hpp>
#include <parallelpipe/detail/run/run_stages.hpp>
#include <parallelpipe/detail/run/task_group.hpp>
#include <parallelpipe/detail/run/worker.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/error.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

class run final : public observed_run {
public:
    /// Makes the queues; no thread runs yet. `taken_by` is a literal: ConsumerStatistics::taken_by.
    /// Errors: `std::logic_error` if `watcher` has a run already, before the run makes anything.
    explicit run(const std::vector<stage_entry>& stages, const observer_handle* watcher = nullptr,
                 const char* taken_by = "")
        : watch_(watcher, *this),
          stages_(stages),
          group_(stages_.workers() + 2),
          end_(stages_, group_) {
        consumer_.taken_by = taken_by;
        stages_.begin_run();
    }
    ~run() override {
        cancel_and_join();
        watch_.release();
    }

    /// Starts all workers.
    /// Errors: what starting a thread throws, with the worker in what(). The run has then joined every thread that it
    ///   had started.
    void start(sync::stop_token token) {
        std::size_t started = 0;
        try {
            consumer_.begin(static_cast<bool>(watch_));
            if (const std::size_t waits = watch_.kept_waits()) {
                stages_.keep_waits(waits);
                consumer_.counters().spans.reset(new wait_history(waits));
            }
            watch_.begin();
            for (std::size_t stage = 0; stage < stages_.size(); ++stage)
                for (std::size_t index = 0; index < stages_[stage].workers; ++index, ++started)
                    start_worker(stage, index);
        } catch (...) {
            cancel();
            stages_.leave_for_missing_workers(started);
            cancel_and_join();
            throw;
        }
        if (token.stop_possible())
            on_stop_.reset(new sync::stop_callback<canceller>(std::move(token), canceller{this}));
    }

    /// The last stage's queue; null after a sink.
    channel_base* output() const noexcept { return stages_.output(); }

    /// The counters of the thread that takes the results.
    worker_counters& consumer() noexcept { return consumer_.counters(); }
    /// The calling thread takes results.
    void consumer_is_here() noexcept { consumer_.is_here(); }

    void fail(std::string name, std::exception_ptr cause) override {
        end_.fail({stages_.size(), 0, std::move(cause), {}, std::move(name)});
    }
    /// The same for an exception in the consumer's thread, as of the task "results-0".
    void fail_in_results(std::exception_ptr cause) { end_.fail({stages_.size(), 0, std::move(cause)}); }

    /// Stops everything; nothing more reaches the consumer. Does not wait.
    void cancel() { end_.cancel(); }

    void cancel_and_join() {
        cancel();
        if (output()) stages_.discard_input(stages_.size());
        join();
    }

    /// Throws what finish() would if the run was stopped, and not by an error of its own. Does not wait.
    void throw_if_stopped() const { end_.throw_if_stopped(); }

    /// Blocks until every worker has ended, then says how the run went. Any number of times.
    /// Errors: TaskException or CancelledError, by what came first; stop_unwind on a worker of another run that was
    ///   stopped, if this run reads that one's items.
    void finish() {
        if (output() && output()->is_aborted()) stages_.discard_input(stages_.size());
        join();
        end_.throw_outcome();
    }

private:
    struct canceller {
        run* self;
        void operator()() const { self->cancel(); }
    };

    std::size_t stage_count() const noexcept override { return stages_.size(); }
    const observed_stage& observed(std::size_t stage) const noexcept override { return stages_[stage]; }

    /// Waits until all workers have ended, then for the end of the watch. A worker returns at once and leaves both
    /// waits to the other threads.
    void join() {
        group_.join();
        if (group_.is_waited_for_here()) return;
        consumer_.end();
        watch_.end();
    }

    void start_worker(std::size_t stage, std::size_t index) {
        try {
            group_.spawn([this, stage, index] { worker(stages_, end_, group_, stage, index).run(); });
        } catch (const std::system_error& error) {
            throw_not_started(error, "worker " + std::to_string(index + 1) + " of " +
                                         std::to_string(stages_[stage].workers) + " of stage \"" +
                                         stages_[stage].name + '"');
        }
    }

    observation watch_;  // first: reserves the observer before the run makes anything
    run_stages stages_;
    task_group group_;
    run_end end_;
    owning_ptr<sync::stop_callback<canceller>> on_stop_;  // last: gone before what it touches
};

}  // namespace parallelpipe::detail

#endif
