// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_RUN_STAGES_HPP
#define PARALLELPIPE_DETAIL_RUN_RUN_STAGES_HPP

// The stages of one run with their queues, and what can be done to several of them at once.
//
// All but the atomics is written before the first worker starts. A worker adds itself to `lost` before it leaves its
// queue; `lost` is relaxed, because consumer_left(), acquire and release, orders it for the last worker to leave.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/keyed/key_router.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/run/observed_run.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/wait_history.hpp>
#include <parallelpipe/setup.hpp>

#include <cstddef>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// One stage of a run.
struct running_stage : observed_stage {
    stage_entry entry;
    channel_base* in = nullptr;         // the queue before it; null for a source
    owning_ptr<sequencer> order;         // null: results leave as they come
    owning_ptr<key_router_base> router;  // null: any worker takes any item
    owning_ptr<shared_range> range;      // what its workers read instead of a queue
    sync::stop_source stop;
    sync::atomic<std::size_t> lost{0};  // workers lost to an error

    OnError on_error() const { return entry.setup.on_error.value_or(OnError::stop); }

    /// Whether the run has told the stage's workers to stop.
    bool is_stopped() const {
        return stop.stop_requested() || (out && out->is_closed()) ||
               (in && (in->is_aborted() || in->has_stop())) || (range && range->is_stopped());
    }

    /// Opens what the worker reads from a queue; null for a source.
    owning_ptr<item_reader_base> open_input(std::size_t worker) const {
        if (!in) return nullptr;
        return router ? router->open(worker) : entry.connect(*in, workers);
    }
};

class run_stages {
public:
    /// Makes the queues.
    explicit run_stages(const std::vector<stage_entry>& entries) : size_(entries.size()), stages_(size_) {
        refuse_views_of_items(entries);
        std::size_t position = 0;
        for (std::size_t i = 0; i < size_; ++i)
            make(i, entries[i], i + 1 == size_ ? 1 : entries[i + 1].workers(),
                 entries[i].is_range ? 0 : position++);
    }

    /// Called last, so that a run that could not be made has not used up what can be read once.
    void begin_run() {
        for (std::size_t i = 0; i < size_; ++i) stages_[i].entry.begin_run();
    }

    std::size_t size() const noexcept { return size_; }
    /// The number of workers in all stages.
    std::size_t workers() const noexcept {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < size_; ++i) sum += stages_[i].workers;
        return sum;
    }
    running_stage& operator[](std::size_t stage) const noexcept { return stages_[stage]; }
    /// The last stage's queue; null after a sink.
    channel_base* output() const noexcept { return stages_[size_ - 1].out.get(); }

    /// Aborts the queues of the first `count` stages, the last one first: a stage that is unwound can then no longer
    /// pass on items from after a gap.
    void abort_queues(std::size_t count) {
        while (count-- > 0) {
            if (!stages_[count].out) continue;
            stages_[count].out->abort();
            if (count + 1 == size_) continue;
            if (key_router_base* const router = stages_[count + 1].router.get()) router->stop();
        }
    }

    /// Tells the stage functions of the first `count` stages, which may wait by themselves. A user's stop_callback
    /// may run here.
    void request_stop(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) stages_[i].stop.request_stop();
    }

    /// Destroys the items that wait before a stage, or before the consumer after the last one. No reader is left.
    void discard_input(std::size_t stage) {
        const running_stage& before = stages_[stage - 1];
        if (before.order) before.order->discard();
        before.out->discard();
        if (stage != size_ && stages_[stage].router) stages_[stage].router->discard();
    }

    /// Only the first `started` of all workers could be started: leaves the queues for the others.
    void leave_for_missing_workers(std::size_t started) {
        for (std::size_t stage = 0; stage < size_; ++stage)
            for (std::size_t worker = 0; worker < stages_[stage].workers; ++worker) {
                if (started != 0)
                    --started;
                else if (stages_[stage].in && stages_[stage].in->consumer_left())
                    discard_input(stage);
            }
    }

    /// Each worker keeps its last `of_each` waits of each kind, for a trace.
    void keep_waits(std::size_t of_each) {
        for (std::size_t stage = 0; stage < size_; ++stage)
            for (std::size_t worker = 0; worker < stages_[stage].workers; ++worker)
                stages_[stage].of_workers[worker].spans.reset(new wait_history(of_each));
    }

private:
    void make(std::size_t i, const stage_entry& entry, std::size_t readers, std::size_t position) {
        running_stage& stage = stages_[i];
        stage.entry = entry;
        stage.name = entry.name(position);
        stage.workers = entry.workers();
        stage.is_range = entry.is_range;
        stage.is_ordered = entry.setup.ordered.value_or(false);
        stage.of_workers = owning_ptr<worker_counters[]>(stage.workers);
        if (i != 0) stage.in = stages_[i - 1].out.get();
        stage.out = entry.code->result_type().make_channel(entry.setup.qsize, stage.workers, readers);
        if (entry.range) stage.range = entry.open_range(*entry.range, stage.entry.range_setup);
        if (stage.workers == 1) return;  // one worker takes all keys, and keeps order by itself
        if (stage.in && entry.partition)
            stage.router = entry.partition->begin(*stage.in, entry.connect(*stage.in, 1), stage.workers);
        stage.is_keyed = static_cast<bool>(stage.router);
        if (stage.is_ordered && stage.out)
            stage.order = entry.code->result_type().make_sequencer(*stage.out, stage.workers);
    }

    const std::size_t size_;
    const owning_ptr<running_stage[]> stages_;
};

}  // namespace parallelpipe::detail

#endif
