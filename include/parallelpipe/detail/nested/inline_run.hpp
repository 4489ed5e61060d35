// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_INLINE_RUN_HPP
#define PARALLELPIPE_DETAIL_NESTED_INLINE_RUN_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/nested/fused_stage.hpp>
#include <parallelpipe/detail/nested/nested_stage.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/detail/worker/item_counters.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/results.hpp>
#include <parallelpipe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A run in its consumer's thread: every stage is nested in the stage after it.
///
/// Other threads may call cancel() and stats(), which touch only atomics and the stages' stop_sources. The atomics
/// carry nothing but themselves and are relaxed. nested_stage.hpp says which other threads there can be, and why
/// errors have a lock.
class inline_run_state final : public run_base, public nested_owner {
public:
    inline_run_state(const std::vector<stage_entry>& stages, sync::stop_token token)
        : entries_(stages), counters_(stages.size()) {
        refuse_views_of_items(entries_);
        for (const stage_entry& entry : entries_) entry.begin_run();
        std::size_t position = 0;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const stage_entry& entry = entries_[i];
            nested_stage& stage = chain_.add(owning_ptr(new nested_stage(
                *this, entry, entry.name(entry.is_range ? 0 : position++), 0, entry.workers())));
            stage.belongs_to(nullptr, &counters_[i]);
        }
        chain_.last().is_last = true;
        if (token.stop_possible())
            on_stop_.reset(
                new sync::stop_callback<canceller>(std::move(token), canceller{this}));
    }
    nested_stage& last() const noexcept { return chain_.last(); }

    void cancel() override {
        if (has_ended()) return;
        is_cancelled_.store(true, std::memory_order_relaxed);
        last().request_stop();
    }

    template <class...>
    Statistics stats() const {
        Statistics all;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const nested_stage& stage = *chain_.stages()[i];
            StageStatistics one = statistics_of(stage.name(), entries_[i].workers(), counters_[i]);
            one.items_in = i == 0 ? stage.taken() : chain_.stages()[i - 1]->made();
            one.items_out = stage.made();
            one.is_range = entries_[i].is_range;
            one.is_ordered = entries_[i].setup.ordered.value_or(false);
            all.stages.push_back(std::move(one));
        }
        all.consumer.items = chain_.last().made();
        all.has_ended = has_ended();
        const std::int64_t ended = ended_.load(std::memory_order_relaxed);
        all.elapsed = std::chrono::nanoseconds((ended != 0 ? ended : worker_counters::now()) - began_);
        all.consumer.activity = all.has_ended ? Activity::ended : Activity::busy;
        return all;
    }

    void unwound() override {
        was_unwound_ = true;
        last().request_stop();
    }

    /// Called each time the consumer comes to the end. Errors: as run::finish().
    void ended() override {
        if (!has_ended()) ended_.store(worker_counters::now(), std::memory_order_relaxed);
        chain_.unwind();
        if (!errors_.empty()) throw TaskException(errors_);
        if (was_unwound_) throw_unwound();
        if (is_cancelled_.load(std::memory_order_relaxed)) throw CancelledError();
    }

private:
    struct canceller {
        inline_run_state* self;
        void operator()() const { self->cancel(); }
    };

    bool has_ended() const noexcept { return ended_.load(std::memory_order_relaxed) != 0; }

    after_error failed(const nested_stage& at, std::exception_ptr cause) override {
        inner_failure what = fused_chain::innermost(at, std::move(cause));
        const bool is_ordered = at.entry().setup.ordered.value_or(false);
        std::optional<std::uint64_t> item;
        if (is_ordered && at.has_taken()) item = at.item();
        TaskError error(std::move(what.stage), at.worker(), std::move(what.cause), item);
        {
            const sync::lock_guard lock(mutex_);
            errors_.push_back(std::move(error));
        }
        if ((at.on_error() == OnError::finish && !what.stops_run) || what.run_goes_on) return after_error::next_worker;
        if (is_ordered || (what.in_order && at.entry().workers() == 1)) return after_error::ends;
        last().request_stop();
        return after_error::unwinds;
    }

    const std::vector<stage_entry> entries_;
    const owning_ptr<item_counters[]> counters_;  // one a stage
    sync::atomic<bool> is_cancelled_{false};
    const std::int64_t began_ = worker_counters::now();
    sync::atomic<std::int64_t> ended_{0};  // 0: not yet
    sync::mutex mutex_;
    std::vector<TaskError> errors_;  // written under mutex_, read after chain_.unwind()
    bool was_unwound_ = false;       // written by the first stage, read after chain_.unwind()
    nested_chain chain_;
    owning_ptr<sync::stop_callback<canceller>> on_stop_;  // last: gone before what it touches
};

}  // namespace parallelpipe::detail

#endif
