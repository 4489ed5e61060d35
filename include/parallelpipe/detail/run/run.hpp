// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_RUN_RUN_HPP
#define PARALLELPIPE_DETAIL_RUN_RUN_HPP

// One run of a pipeline: channels between the stages, one thread per worker.
//
// Every way a run can end, and why nothing waits for ever and nothing is left:
//
// * A worker waits only in a channel: for items (its input) or for room (its output); in a keyed stage also
//   for its siblings. Each of these ends when the channel is aborted; channel.hpp and partition.hpp say who
//   wakes whom.
// * However a stage function ends, work() says so to both channels: consumer_left(), producer_left().
// * Normal end: the source returns, the sentinel goes from channel to channel as each stage's last
//   worker leaves, the consumer finds the last one, joins, and its loop ends.
// * A stage whose workers have all returned while input remained: its last worker aborts all channels
//   before it. Their workers unwind at their next yield or item, or at once if they wait. What comes
//   after it ends normally.
// * An exception in a worker is reported, then fail(): the last channel is closed, so the consumer still gets
//   what had been delivered, and the others are aborted. The last stage's workers leave, which posts the
//   sentinel; behind it finish() throws the TaskException.
// * An exception in an ordered stage: the items before the failing one go on to the end and nothing
//   behind it leaves; so the stage's workers are not needed any more when they ask for more items, and
//   leave one by one. When the last result in front of the failure has left, nothing_leaves() stops those
//   that are still at work, and the stages before; what comes after ends normally, and finish() throws
//   behind the last result.
// * OnError::finish: the failing worker leaves and everything else goes on. If it was the stage's last,
//   it first reads the rest of the input and ignores it.
// * The consumer leaves (break, exception, destroying Results), cancel(), a stop_token: cancel()
//   aborts all channels, the last one too, so the consumer wakes as well.
// * A thread that cannot be started: the same, then the error leaves start().
// * An exception in the consumer's own thread, from moving an item out of the last channel, is reported
//   as that of the task "results-0" and ends the run like one in a worker.
//
// * A Monitor's callback throws, or its watchdog has seen enough: reported as that of the task
//   "monitor-0" or "watchdog-0" and ends the run like one in a worker.
//
// Whoever ends a run joins all threads before it returns, at last the Monitor's. Coroutines, callables and
// items taken ahead live on the workers' stacks and die there. Items that will not be read do not wait for the
// join, as the source may be waiting for them to die: those in a queue die when its last reader leaves, those of
// the loop before it joins; see discard_input().
//
// | atomic   | written by                        | read by    | what it carries                            |
// |----------|-----------------------------------|------------|--------------------------------------------|
// | outcome_ | the first reason to end, from any | finish()   | nothing but itself; whoever writes it does |
// |          | thread; once                      |            | so before the abort that ends the loop     |
// | lost     | each worker that is lost, before  | who is     | relaxed: consumer_left(), acquire and      |
// |          | it leaves the queue               | last there | release, orders it                         |
// | ended_   | the first to have joined, release | stats(),   | the consumer's processor time              |
// |          |                                   | acquire    |                                            |
// | asked_   | who asks for processor times      | the same   | nothing but itself: relaxed                |
//
// What workers count: meter.hpp. What is not atomic is written before the first thread starts.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/keyed/keyed_reader.hpp>
#include <parallelpipe/detail/ordered/sequencer.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/run/snapshot.hpp>
#include <parallelpipe/detail/run/task_group.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/counters.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace parallelpipe::inline v0::detail {

/// Names the calling thread for top, gdb and perf: `fetch-3`. Linux has room for 15 characters, so
/// a long stage name is cut, never the index.
inline void name_this_thread([[maybe_unused]] const std::string& stage,
                             [[maybe_unused]] std::size_t worker) {
#if defined(__linux__) || defined(__APPLE__)
    const std::string index = '-' + std::to_string(worker);
    constexpr std::size_t room = 15;
    const std::string name = stage.substr(0, room - std::min(room, index.size())) + index;
#if defined(__APPLE__)
    pthread_setname_np(name.c_str());
#else
    pthread_setname_np(pthread_self(), name.c_str());
#endif
#endif
}

class run {
public:
    /// Makes the channels. No thread runs yet.
    /// `taken_by` is a literal: ConsumerStatistics::taken_by.
    /// Errors: `std::logic_error` if `watcher` has a run already, before anything is touched.
    explicit run(const std::vector<stage_entry>& stages, const observer_handle* watcher = nullptr,
                 const char* taken_by = "")
        : watch_(watcher, *this), size_(stages.size()), stages_(size_), taken_by_(taken_by),
          group_(workers(stages) + 2) {
        refuse_views_of_items(stages);
        std::size_t position = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            running_stage& stage = stages_[i];
            stage.entry = stages[i];
            stage.name = stage.entry.name(stage.entry.is_range ? 0 : position++);
            stage.workers = stage.entry.workers();
            stage.of_workers = owning_ptr<worker_counters[]>(stage.workers);
            const std::size_t readers = i + 1 == size_ ? 1 : stages[i + 1].workers();
            stage.out = stage.entry.code->result_type().make_channel(stage.entry.setup.qsize, stage.workers, readers);
            if (stage.entry.range) stage.range = stage.entry.open_range(*stage.entry.range);
            if (i != 0 && stage.entry.partition && stage.workers > 1)
                stage.router = stage.entry.partition->begin(
                    *stages_[i - 1].out, stage.entry.connect(*stages_[i - 1].out, 1), stage.workers);
            // One worker keeps order by itself.
            if (stage.is_ordered() && stage.workers > 1 && stage.out) {
                stage.order = stage.entry.code->result_type().make_sequencer(*stage.out, stage.workers);
                stage.end_of_order.of = this;
                stage.end_of_order.stage = i;
                stage.order->listen(stage.end_of_order);
            }
        }
        // Last: a run that could not be made has not used up what can be read once.
        for (const stage_entry& stage : stages) stage.begin_run();
    }
    run(const run&) = delete;
    run& operator=(const run&) = delete;
    ~run() {
        cancel_and_join();
        watch_.release();
    }

    /// Starts all workers.
    /// Errors: what starting a thread throws, with the worker in what(); everything already started has then
    ///   been joined.
    void start(sync::stop_token token) {
        began_ = worker_counters::now();
        std::size_t started = 0;  // workers
        try {
            consumer_begins();
            if (const std::size_t waits = watch_.kept_waits()) keep_waits(waits);
            watch_.begin();
            for (std::size_t stage = 0; stage < size_; ++stage)
                for (std::size_t worker = 0; worker < stages_[stage].workers; ++worker, ++started)
                    start_worker(stage, worker);
        } catch (...) {
            cancel();
            leave_for_missing_workers(started);
            cancel_and_join();
            throw;
        }
        if (token.stop_possible())
            on_stop_.reset(
                new sync::stop_callback<canceller>(std::move(token), canceller{this}));
    }

    /// The last stage's queue; null behind a sink.
    channel_slots* output() const noexcept { return stages_[size_ - 1].out.get(); }

    /// Something was thrown: the run stops, what the last stage has delivered stays.
    void fail(failure what) {
        group_.report(std::move(what));
        int running = is_running;
        outcome_.compare_exchange_strong(running, has_failed);
        if (output()) output()->close();
        abort_channels(size_ - 1);
        stop_stages(size_);
    }

    /// The same for an exception in the consumer's thread.
    void fail_in_results(std::exception_ptr cause) { fail({size_, 0, std::move(cause)}); }

    /// Everything stops; nothing more reaches the consumer. Does not wait.
    void cancel() { end_as(was_cancelled); }

    void cancel_and_join() {
        cancel();
        if (output()) discard_input(size_);
        join();
    }

    /// Whether the run was stopped, and not by an error; does not wait. Errors: those that finish() has for that.
    void throw_if_stopped() const {
        const int now = outcome_;
        if (now == was_unwound) throw_unwound();
        if (now == was_cancelled) throw CancelledError();
    }

    /// Blocks until every worker has ended; then says how the run went. May be asked again.
    /// Errors: TaskException or CancelledError, whichever came first; stop_unwind if this run reads the items of
    ///   another one, which was stopped: the worker there that takes these results is unwound, too.
    void finish() {
        if (output() && output()->is_aborted()) discard_input(size_);
        join();
        // Who cancelled wrote outcome_ before the abort that brought us here.
        int running = is_running;
        outcome_.compare_exchange_strong(running, has_ended);
        throw_if_stopped();
        std::vector<TaskError> errors;
        group_.each_failure([&](const failure& what) {
            errors.emplace_back(!what.inner_stage.empty() ? what.inner_stage
                                : what.stage < size_      ? stages_[what.stage].name
                                                          : "results",
                                what.worker, what.cause, what.item);
        });
        if (errors.empty()) return;
        throw TaskException(std::move(errors));
    }

    // ---- for who watches, and for Results::stats(); any thread ----

    template <class...>
    Statistics stats() const {
        const std::int64_t now = worker_counters::now();
        const bool is_over = ended_.load(std::memory_order_acquire) != 0;
        const bool anew = asks_anew(now);
        Statistics all;
        all.cores = sync::thread::hardware_concurrency();
        all.has_ended = true;
        std::int64_t end = began_;
        for (std::size_t i = 0; i < size_; ++i) {
            const running_stage& stage = stages_[i];
            StageStatistics one = statistics_of(stage.name, stage.workers, stage.counters);
            one.is_range = stage.entry.is_range;
            one.is_ordered = stage.is_ordered();
            one.is_keyed = static_cast<bool>(stage.router);
            for (std::size_t worker = 0; worker < stage.workers; ++worker) {
                one.each.push_back(worker_statistics(stage.of_workers[worker], input(i), began_, now, anew));
                all.has_ended &= stage.of_workers[worker].ended.load(std::memory_order_relaxed) != 0;
                end = std::max(end, stage.of_workers[worker].ended.load(std::memory_order_relaxed));
            }
            sum_up(one);
            if (stage.out) one.queue = queue_statistics(*stage.out);
            if (stage.out && anew) stage.out->ask_readers();  // the next look finds how far they are now
            all.stages.push_back(std::move(one));
        }
        all.has_ended |= is_over;  // some may never have begun
        const std::int64_t until = all.has_ended ? end : now;
        all.elapsed = std::chrono::nanoseconds(until - began_);
        if (!output()) return all;
        all.consumer = consumer_statistics(consumer_, output(), began_, until);
        all.consumer.taken_by = taken_by_;
        const core_time spent = consumer_time(is_over, anew);
        all.consumer.cpu = std::chrono::nanoseconds(spent.cpu);
        all.consumer.ready = std::chrono::nanoseconds(spent.ready);
        note_activity(all.consumer, consumer_, began_);
        if (is_over) all.consumer.activity = Activity::ended;
        return all;
    }

    /// When a worker began and ended, in nanoseconds of the steady clock; 0: not yet. The stage after the
    /// last one is the consumer: the run itself.
    span times(std::size_t stage, std::size_t worker) const {
        if (stage == size_) return {began_, ended_.load(std::memory_order_relaxed)};
        const worker_counters& of = stages_[stage].of_workers[worker];
        return {of.began.load(std::memory_order_relaxed), of.ended.load(std::memory_order_relaxed)};
    }
    /// Its waits; null if the run keeps none. Not before the observer's begin().
    const wait_history* waits(std::size_t stage, std::size_t worker) const {
        return stage == size_ ? consumer_.spans.get() : stages_[stage].of_workers[worker].spans.get();
    }

    /// Whether anybody has got on since the last call, which left in `mark` what it saw. Asks who
    /// reads a queue to show himself at his next item.
    bool has_moved(std::uint64_t& mark) {
        // All numbers as one. A sum would not see an item that a sibling has fetched.
        std::uint64_t seen = 0;
        const auto add = [&seen](std::uint64_t number) {
            seen = (seen ^ number) * 0x9e3779b97f4a7c15U;
            seen ^= seen >> 32U;
        };
        for (std::size_t i = 0; i < size_; ++i) {
            const running_stage& stage = stages_[i];
            for (std::size_t worker = 0; worker < stage.workers; ++worker) {
                const worker_counters& of = stage.of_workers[worker];
                const lane* const own = of.pushes_to.load(std::memory_order_acquire);
                add(of.in.load(std::memory_order_relaxed));
                add(of.out.load(std::memory_order_relaxed) + (own ? producer_lanes::pushed(*own) : 0));
                add(of.began.load(std::memory_order_relaxed) != 0);
                add(of.ended.load(std::memory_order_relaxed) != 0);
            }
            add(stage.counters.retried.load(std::memory_order_relaxed));
            add(stage.counters.failed.load(std::memory_order_relaxed));
            if (stage.out) add(stage.out->ask_readers());
        }
        add(consumer_.in.load(std::memory_order_relaxed));
        return std::exchange(mark, seen) != seen;
    }

    /// Ends the run with what the task `who` threw, a stage that it does not have. Does not wait.
    void fail(std::string who, std::exception_ptr cause) {
        fail({size_, 0, std::move(cause), {}, std::move(who)});
    }

    /// That of the thread that takes the results.
    worker_counters& consumer() noexcept { return consumer_; }

    /// The calling thread takes results. What another than the first uses is not known.
    void consumer_is_here() noexcept {
        if (sync::this_thread::get_id() != starter_) [[unlikely]]
            consumer_.thread.store(0, std::memory_order_relaxed);
    }

private:
    enum outcome : int { is_running, has_ended, has_failed, was_cancelled, was_unwound };

    struct end_of_order final : order_listener {
        run* of = nullptr;
        std::size_t stage = 0;

        void nothing_leaves() override { of->nothing_leaves(stage); }
    };

    struct running_stage {
        stage_entry entry;
        std::string name;
        std::size_t workers = 1;
        owning_ptr<channel_slots> out;            // what it yields; null behind a sink
        owning_ptr<sequencer> order;            // null: results leave as they come
        run::end_of_order end_of_order;     // what it tells
        owning_ptr<key_router_base> router;        // null: any worker takes any item
        owning_ptr<shared_range> range;          // what its workers read instead of a channel
        sync::stop_source stop;              // a shared state, safe from any thread
        item_counters counters;
        owning_ptr<worker_counters[]> of_workers;  // one a worker
        sync::atomic<std::size_t> lost{0};   // workers

        bool is_ordered() const { return entry.setup.ordered.value_or(false); }
        OnError on_error() const { return entry.setup.on_error.value_or(OnError::stop); }
    };

    struct canceller {
        run* self;
        void operator()() const { self->cancel(); }
    };

    /// Waits until all workers have ended, then for the end of the watch. A worker, which waits for
    /// nobody, leaves that to the others.
    void join() {
        group_.join();
        if (group_.is_waited_for_here()) return;
        if (ended_.load(std::memory_order_relaxed) == 0) {
            if (sync::this_thread::get_id() == starter_)
                consumer_.cpu.store(worker_counters::cpu_of_this_thread(), std::memory_order_relaxed);
            if (watch_) consumer_.ready.store(consumer_time(false, true).ready, std::memory_order_relaxed);
            std::int64_t not_yet = 0;
            ended_.compare_exchange_strong(not_yet, worker_counters::now(), std::memory_order_release,
                                           std::memory_order_relaxed);
        }
        watch_.end();
    }

    void consumer_begins() noexcept {
        starter_ = sync::this_thread::get_id();
        consumer_began_.cpu = worker_counters::cpu_of_this_thread();
        if (watch_) consumer_began_.ready = core_time_of(this_thread_number()).ready;
        consumer_.thread.store(this_thread_number(), std::memory_order_relaxed);
    }

    /// What the consumer has used since the start.
    core_time consumer_time(bool is_over, bool anew) const {
        const std::int64_t thread = consumer_.thread.load(std::memory_order_relaxed);
        if (thread == 0) return {};
        if (is_over)
            return {since(consumer_began_.cpu, consumer_.cpu.load(std::memory_order_relaxed)),
                    consumer_.ready.load(std::memory_order_relaxed)};
        const core_time now = spent_so_far(consumer_, anew);
        return {since(consumer_began_.cpu, now.cpu),
                watch_ ? since(consumer_began_.ready, now.ready) : 0};
    }
    /// Processor time is asked for once in a while: that costs some microseconds for each thread, and
    /// there are those who ask at every item.
    bool asks_anew(std::int64_t now) const noexcept {
        std::int64_t last = asked_.load(std::memory_order_relaxed);
        return now - last >= 5'000'000 &&
               asked_.compare_exchange_strong(last, now, std::memory_order_relaxed);
    }

    static std::int64_t since(std::int64_t began, std::int64_t now) noexcept {
        return std::max<std::int64_t>(now - began, 0);
    }

    /// So many of each worker, for a trace.
    void keep_waits(std::size_t of_each) {
        for (std::size_t stage = 0; stage < size_; ++stage)
            for (std::size_t worker = 0; worker < stages_[stage].workers; ++worker)
                stages_[stage].of_workers[worker].spans.reset(new wait_history(of_each));
        consumer_.spans.reset(new wait_history(of_each));
    }

    static std::size_t workers(const std::vector<stage_entry>& stages) {
        return std::accumulate(
            stages.begin(), stages.end(), std::size_t{0},
            [](std::size_t sum, const stage_entry& stage) { return sum + stage.workers(); });
    }

    void start_worker(std::size_t stage, std::size_t worker) {
        try {
            group_.spawn([this, stage, worker] { work(stage, worker); });
        } catch (const std::system_error& error) {
            throw_not_started(error, "worker " + std::to_string(worker + 1) + " of " +
                                         std::to_string(stages_[stage].workers) + " of stage \"" +
                                         stages_[stage].name + '"');
        }
    }

    /// One worker's life.
    void work(std::size_t stage, std::size_t worker) {
        running_stage& here = stages_[stage];
        channel_slots* const from = input(stage);
        channel_slots* const to = here.out.get();
        sequencer* const order = here.order.get();
        const worker_identity identity{.stage = here.name,
                                       .index = worker,
                                       .stop = here.stop.get_token(),
                                       .of_run = group_.lineage_of_threads(),
                                       .setup = &here.entry.setup,
                                       .counters = &here.counters,
                                       .own_counters = &here.of_workers[worker]};
        const worker_scope scope(identity);
        const core_contention::presence present;
        worker_counters& own_counters = here.of_workers[worker];
        const std::int64_t began = worker_counters::now();
        own_counters.thread.store(this_thread_number(), std::memory_order_relaxed);
        own_counters.began.store(began, std::memory_order_relaxed);
        owning_ptr<shared_range::reader> from_range;
        owning_ptr<item_reader_base> in;
        bool lost = false;
        try {
            name_this_thread(here.name, worker);
            if (here.range) from_range = here.range->open_for(identity);
            if (from)
                in = here.router ? here.router->open(worker) : here.entry.connect(*from, here.workers);
            if (from_range) in = from_range->open();
            if (in) in->count_for(&own_counters);
            const auto call = [&] { here.entry.code->run(in.get(), {to, order, worker, &own_counters}); };
            try {
                from_range ? throwing_failure_of(*from_range, call) : call();
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                const inner_failure inner = inner_failure_of("");
                if (is_stopped(stage) && says_cancelled(inner.cause)) throw stop_unwind{};
                lost = !inner.stops_run;
                worker_failed({stage, worker, inner.cause, {}, inner.stage}, in.get(), inner);
            }
            if (in) in->give_back();
        } catch (const stop_unwind&) {
            // The run was stopped and the stage function unwound; or another run was, whose items this one reads.
            if (!is_stopped(stage)) end_as(was_unwound);
        } catch (...) {
            fail({stage, worker, std::current_exception()});
        }
        if (order)
            if (auto error = order->leave(worker, in ? in->number_in_hand() : 0))
                group_.report({stage, worker, std::move(error)});
        if (lost) here.lost.fetch_add(1, std::memory_order_relaxed);
        const bool is_last = from && from->consumer_left();
        if (is_last) {
            const bool all_lost = here.lost.load(std::memory_order_relaxed) == here.workers;
            if (all_lost && here.on_error() == OnError::finish) ignore_the_rest(*in);
            // Nobody needs what the stages before still do.
            abort_channels(stage);
            stop_stages(stage);
        }
        in.reset();
        if (is_last) discard_input(stage);
        own_counters.cpu.store(worker_counters::cpu_of_this_thread(), std::memory_order_relaxed);
        // To ask costs some microseconds: too much for a short life, of which nobody can say much.
        if (worker_counters::now() - began >= 1'000'000)
            own_counters.ready.store(core_time_of(this_thread_number()).ready, std::memory_order_relaxed);
        own_counters.ended.store(worker_counters::now(), std::memory_order_release);
        if (to) to->producer_left();
    }

    /// The queue that a stage reads from; null for a source.
    channel_slots* input(std::size_t stage) const {
        return stage == 0 ? nullptr : stages_[stage - 1].out.get();
    }

    /// No reader is left in front of the stage, or of the loop after the last one: what waits there dies.
    void discard_input(std::size_t stage) {
        const running_stage& before = stages_[stage - 1];
        if (before.order) before.order->discard();
        before.out->discard();
        if (stage != size_ && stages_[stage].router) stages_[stage].router->discard();
    }

    /// Only the first `started` of all workers could be started. The others read nothing.
    void leave_for_missing_workers(std::size_t started) {
        for (std::size_t stage = 0; stage < size_; ++stage)
            for (std::size_t worker = 0; worker < stages_[stage].workers; ++worker) {
                if (started != 0)
                    --started;
                else if (input(stage) && input(stage)->consumer_left())
                    discard_input(stage);
            }
    }

    /// Whether this run has told the stage's workers to stop.
    bool is_stopped(std::size_t stage) const {
        const running_stage& here = stages_[stage];
        const channel_slots* const from = input(stage);
        return here.stop.stop_requested() || (here.out && here.out->is_closed()) ||
               (from && (from->is_aborted() || from->has_stop())) ||
               (here.range && here.range->is_stopped());
    }

    /// Everything stops, for the first reason that there is.
    void end_as(outcome why) {
        int running = is_running;
        outcome_.compare_exchange_strong(running, why);
        abort_channels(size_);
        stop_stages(size_);
    }

    /// A stage function threw.
    void worker_failed(failure what, item_reader_base* in, const inner_failure& inner) {
        const running_stage& here = stages_[what.stage];
        const std::uint64_t number = in ? in->number_in_hand() : 0;
        if (in && in->has_taken() && here.is_ordered()) what.item = number;
        if (here.on_error() == OnError::finish && !inner.stops_run) {
            group_.report(std::move(what));  // the others go on
        } else if (here.is_ordered() || (inner.in_order && here.workers == 1)) {
            // What comes before the failing item goes on to the end; nothing behind it leaves.
            const auto [stage, worker] = std::pair(what.stage, what.worker);
            group_.report(std::move(what));
            // Behind the end of the items the siblings end by themselves, and may have last words.
            const bool stops = !here.order || here.order->fail(worker, number);
            if (in && stops) here.range ? here.range->stop() : input(stage)->stop_before(number);
        } else {
            fail(std::move(what));
        }
    }

    /// Of an ordered stage, because something failed: what its workers still do, and those before, is for
    /// nothing.
    void nothing_leaves(std::size_t stage) {
        if (stages_[stage].range) stages_[stage].range->stop();
        abort_channels(stage);
        stop_stages(stage + 1);
    }

    /// The last one first: a stage that is unwound cannot pass on what lies behind a gap any more.
    void abort_channels(std::size_t first_ones) {
        while (first_ones-- > 0) {
            if (!stages_[first_ones].out) continue;
            stages_[first_ones].out->abort();
            if (first_ones + 1 == size_) continue;
            if (key_router_base* const router = stages_[first_ones + 1].router.get()) router->stop();
        }
    }

    /// Tells stage functions that wait by themselves; a user's stop_callback may run here.
    void stop_stages(std::size_t first_ones) {
        for (std::size_t i = 0; i < first_ones; ++i) stages_[i].stop.request_stop();
    }

    observation watch_;  // first: the place is taken before anything is made
    const std::size_t size_;
    const owning_ptr<running_stage[]> stages_;
    const char* const taken_by_;
    sync::atomic<int> outcome_{is_running};  // leaves is_running once: the first reason to end wins
    std::int64_t began_ = 0;                // written before the first thread starts, as the next two
    sync::thread::id starter_;
    core_time consumer_began_;
    sync::atomic<std::int64_t> ended_{0};    // when all workers had been joined
    mutable worker_counters consumer_;
    mutable sync::atomic<std::int64_t> asked_{0};  // when stats() asked for processor times last
    task_group group_;
    owning_ptr<sync::stop_callback<canceller>> on_stop_;  // last: gone before what it touches
};

}  // namespace parallelpipe::detail

#endif
