// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_WORKER_HPP
#define PARALLELPIPE_DETAIL_RUN_WORKER_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/run/run_end.hpp>
#include <parallelpipe/detail/run/run_stages.hpp>
#include <parallelpipe/detail/run/task_group.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/setup.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace parallelpipe::inline v0::detail {

/// Names the calling thread for top, gdb and perf: `fetch-3`. Linux keeps 15 characters, so a long stage name is cut,
/// never the index.
inline void name_this_thread([[maybe_unused]] const std::string& stage,
                             [[maybe_unused]] std::size_t worker) {
#if defined(__linux__) || defined(__APPLE__)
    const std::string index = '-' + std::to_string(worker);
    constexpr std::size_t most = 15;
    const std::string name = stage.substr(0, most - std::min(most, index.size())) + index;
#if defined(__APPLE__)
    pthread_setname_np(name.c_str());
#else
    pthread_setname_np(pthread_self(), name.c_str());
#endif
#endif
}

/// One worker of a run: a thread's whole work.
class worker {
public:
    worker(run_stages& stages, run_end& end, task_group& group, std::size_t stage, std::size_t index) noexcept
        : stages_(stages),
          end_(end),
          group_(group),
          stage_(stage),
          index_(index),
          here_(stages[stage]),
          counters_(here_.of_workers[index]) {}

    void run() {
        const worker_identity identity{.stage = here_.name,
                                       .index = index_,
                                       .stop = here_.stop.get_token(),
                                       .of_run = group_.lineage_of_threads(),
                                       .setup = &here_.entry.setup,
                                       .counters = &here_.counters,
                                       .own_counters = &counters_};
        const worker_scope scope(identity);
        const core_contention::presence present;
        const std::int64_t began = worker_counters::now();
        counters_.thread.store(this_thread_number(), std::memory_order_relaxed);
        counters_.began.store(began, std::memory_order_relaxed);
        owning_ptr<shared_range::reader> from_range;
        owning_ptr<item_reader_base> in;
        try {
            name_this_thread(here_.name, index_);
            if (here_.range) from_range = here_.range->open_for(identity);
            in = from_range ? from_range->open() : here_.open_input(index_);
            if (in) in->count_for(&counters_);
            call(in.get(), from_range.get());
            if (in) in->give_back();
        } catch (const stop_unwind&) {
            // This run was stopped and the stage function unwound; or another run was, whose items this one reads.
            if (!here_.is_stopped()) end_.unwind();
        } catch (...) {
            end_.fail({stage_, index_, std::current_exception()});
        }
        leave_input(in);
        note_end(began);
        if (here_.out) here_.out->producer_left();
    }

private:
    /// Runs the stage's code and reports what the code throws. Errors: stop_unwind; `std::bad_alloc` of the report.
    void call(item_reader_base* in, shared_range::reader* from_range) {
        const auto code = [&] {
            here_.entry.code->run(in, {here_.out.get(), here_.order.get(), index_, &counters_});
        };
        try {
            from_range ? throwing_failure_of(*from_range, code) : code();
        } catch (const stop_unwind&) {
            throw;
        } catch (...) {
            const inner_failure inner = inner_failure_of("");
            if (here_.is_stopped() && says_cancelled(inner.cause)) throw stop_unwind{};
            is_lost_ = !inner.stops_run;
            end_.worker_failed({stage_, index_, inner.cause, {}, inner.stage}, in, inner);
        }
    }

    /// The worker reads no more. The last worker of the stage ends the stages before.
    void leave_input(owning_ptr<item_reader_base>& in) {
        if (here_.order)
            if (auto error = here_.order->leave(index_, in ? in->number_in_hand() : 0))
                group_.report({stage_, index_, std::move(error)});
        if (is_lost_) here_.lost.fetch_add(1, std::memory_order_relaxed);
        const bool is_last = here_.in && here_.in->consumer_left();
        if (is_last) {
            const bool all_lost = here_.lost.load(std::memory_order_relaxed) == here_.workers;
            if (all_lost && here_.on_error() == OnError::finish) ignore_the_rest(*in);
            end_.input_not_needed(stage_);
        }
        in.reset();
        if (is_last) stages_.discard_input(stage_);
    }

    void note_end(std::int64_t began) {
        counters_.cpu.store(worker_counters::cpu_of_this_thread(), std::memory_order_relaxed);
        // Reading schedstat takes microseconds; short-lived workers skip it.
        if (worker_counters::now() - began >= 1'000'000)
            counters_.ready.store(core_time_of(this_thread_number()).ready, std::memory_order_relaxed);
        counters_.ended.store(worker_counters::now(), std::memory_order_release);
    }

    run_stages& stages_;
    run_end& end_;
    task_group& group_;
    const std::size_t stage_;
    const std::size_t index_;
    running_stage& here_;
    worker_counters& counters_;
    bool is_lost_ = false;  // to an error of the stage function
};

}  // namespace parallelpipe::detail

#endif
