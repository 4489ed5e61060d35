// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_NESTED_STAGE_HPP
#define PARALLELPIPE_DETAIL_NESTED_NESTED_STAGE_HPP

// Stages that run one inside the other in one thread. To make a result, the last stage asks the stage before it for
// an item, and so on, up to the source or to the reader of the first stage.
//
// An exception of a stage does not pass through the functions of later stages, which could catch it. The owner notes
// it, and the later stages are unwound at their next item, or see the end of their items, as in a run with threads.
//
// A stage can have a thread of its own that reads its items (a batch with a time limit, a run over its Input). Then
// the stages before it run in that thread, at the same time as the stages after it. Still each stage and its reader
// belong to one thread at a time: a stage joins its thread before it ends or is unwound, and only then touches the
// stages before it. Two threads can only meet in the owner, which locks its errors, and in request_stop(), whose
// flags are atomic. unwind() ends all stages, and with them all such threads. After it the owner reads the errors,
// and the stages die.
//
// nested_source.hpp has the table of the atomics.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_reader.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/setup.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

class nested_stage;

/// How the chain goes on after a stage has thrown.
enum class after_error {
    next_worker,  // the worker is lost, the stage's next one takes over
    ends,         // later stages see the end of their items, earlier ones are unwound
    unwinds       // all stages are unwound, and request_stop() has told them
};

/// Takes the errors and the end of a chain of nested stages.
/// Threads: failed() and unwound() from any thread that runs a stage.
class nested_owner {
public:
    nested_owner() = default;
    nested_owner(const nested_owner&) = delete;
    nested_owner& operator=(const nested_owner&) = delete;
    virtual ~nested_owner() = default;

    /// The stage `at` threw `cause`.
    virtual after_error failed(const nested_stage& at, std::exception_ptr cause) = 0;
    /// The first stage was unwound by another run, which was stopped, and whose items it reads.
    virtual void unwound() = 0;
    /// The last stage has made its last result. Errors: those of the run.
    virtual void ended() = 0;
};

/// One stage of the chain. Its workers run one after the other, each until its function returns.
class nested_stage final : public nested_source {
public:
    nested_stage(nested_owner& owner, const stage_entry& entry, std::string name,
                 std::size_t first_worker, std::size_t workers)
        : nested_source(worker_),
          owner_(owner),
          entry_(entry),
          name_(std::move(name)),
          end_worker_(first_worker + workers) {
        worker_.stage = name_;
        worker_.index = first_worker;
        worker_.stop = stop_.get_token();
        worker_.setup = &entry_.setup;
        worker_.of_run = lineage_here();
    }

    const std::string& name() const noexcept { return name_; }
    const stage_entry& entry() const noexcept { return entry_; }
    std::size_t worker() const noexcept { return worker_.index; }
    /// Called before the stage begins. `host`: the worker of the fused stage around this one, or null.
    void belongs_to(const worker_identity* host, item_counters* counters) noexcept {
        worker_.host = host;
        worker_.counters = counters;
    }
    bool has_taken() const { return in_ && in_->has_taken(); }
    /// The number of the item in hand. Threads: the stage's.
    std::uint64_t item() const { return in_ ? in_->number_in_hand() : 0; }
    OnError on_error() const { return entry_.setup.on_error.value_or(OnError::stop); }

    /// Reads from the stage `before`, or else from `in`, which is null for a source. out() reads this stage's results.
    void connect(item_reader_base* in, nested_stage* before) {
        before_ = before;
        in_ = before ? before->out() : in;
        if (entry_.range) {
            range_ = entry_.open_range(*entry_.range, entry_.range_setup);
            from_range_ = range_->open_for(worker_);
            converted_ = from_range_->open();
            in_ = converted_.get();
        }
        if (in_ && entry_.convert) {
            converted_ = entry_.convert(*in_);
            in_ = converted_.get();
        }
        out_ = entry_.code->result_type().make_nested_reader(*this);
    }
    /// Null for a sink.
    item_reader_base* out() const noexcept { return out_.get(); }

    /// Runs a sink to its end. Calls the first worker even if the stage is stopped, as a run with threads does: its
    /// function may be noexcept and expect to see the end of its items.
    void consume() {
        const worker_scope scope(worker_);
        do {
            worker_begins();
            bool is_lost = false;
            try {
                entry_.code->run(in_, {});
            } catch (...) {
                is_lost = call_threw();
            }
            call_ended(is_lost);
        } while (has_worker());
    }

    /// How many elements of its range it has taken. Threads: any.
    std::uint64_t taken() const noexcept { return range_ ? range_->taken() : 0; }
    /// How many results it has made. Threads: any.
    std::uint64_t made() const noexcept { return made_.load(std::memory_order_relaxed); }

    void request_stop() override {
        if (stop_.stop_requested()) return;  // the earlier stages have been told before this one
        if (before_) before_->request_stop();
        is_stopped_.store(true, std::memory_order_release);
        stop_.request_stop();
    }

    void abandon() noexcept override {
        end_worker_ = 0;
        request_stop();  // a stage function that waits by itself would never unwind otherwise
        unwind();
        give_back_inner();
    }

    void ended(bool quiet) override {
        if (is_last) {
            owner_.ended();
            return;
        }
        if (is_stopped() && !quiet) throw stop_unwind{};
    }

    bool is_last = false;

private:
    bool is_stopped() const noexcept {
        return was_unwound_ || is_stopped_.load(std::memory_order_acquire);
    }
    bool has_worker() const noexcept { return worker_.index < end_worker_ && !is_stopped(); }

    void worker_begins() {
        // With OnError::finish ignore_the_rest() may read after the last worker. What the first stage reads, other workers
        // of a fused stage read, too: that stage calls it.
        if (before_ && worker_.index + 1 == end_worker_ && on_error() != OnError::finish)
            in_->last_reader_comes();
    }

    /// Calls the next worker's function.
    bool produce_otherwise(void* to) override {
        const worker_scope scope(worker_);
        while (has_worker()) {
            worker_begins();
            try {
                call_ = entry_.code->call(in_);
            } catch (...) {
                call_ended(call_threw());
                continue;
            }
            if (goes_on(to)) return true;
        }
        return false;
    }

    bool call_threw() override {
        try {
            if (!from_range_) throw;
            throwing_failure_of(*from_range_, [] { throw; });
        } catch (const stop_unwind&) {
            const bool is_first = !in_ || from_range_;
            if (is_first && !is_stopped()) owner_.unwound();
            was_unwound_ = true;
        } catch (...) {
            if (is_stopped() && says_cancelled(inner_failure_of("").cause)) {
                was_unwound_ = true;
                return false;
            }
            call_.reset();  // joins the threads that read for it: the owner asks for the item in hand
            const after_error next = owner_.failed(*this, std::current_exception());
            if (next == after_error::next_worker) return true;
            if (next == after_error::ends) end_worker_ = 0;
            was_unwound_ = next == after_error::unwinds;
        }
        return false;
    }

    void call_ended(bool is_lost) override {
        call_.reset();  // first: joins the threads that read for it
        if (from_range_ && from_range_->has_failed()) {
            try {
                from_range_->throw_failure();
            } catch (...) {
                is_lost = call_threw();
            }
        }
        all_lost_ = all_lost_ && is_lost;
        if (++worker_.index < end_worker_ || was_unwound_) return;
        if (all_lost_ && in_ && !from_range_) ignore_the_rest(*in_);
        give_back_inner();
    }

    void unwind() noexcept {
        if (!call_) return;
        const worker_scope scope(worker_);
        call_.reset();
    }

    /// Unless others read on from the same reader.
    void give_back_inner() {
        if (before_ || from_range_) in_->give_back();
    }

    nested_owner& owner_;
    const stage_entry& entry_;
    const std::string name_;
    sync::stop_source stop_;  // its own: either of two neighbours may end while the other goes on
    worker_identity worker_;
    std::size_t end_worker_;
    item_reader_base* in_ = nullptr;
    nested_stage* before_ = nullptr;  // null: in_ reads something else
    bool was_unwound_ = false;
    bool all_lost_ = true;  // of its workers so far
    owning_ptr<shared_range> range_;  // what it reads instead of a stage before it
    owning_ptr<shared_range::reader> from_range_;
    owning_ptr<item_reader_base> converted_;  // what in_ points to, if a range or a conversion comes between
    owning_ptr<item_reader_base> out_;
};

/// A chain of stages. The first one reads from `in`, or is a source. Destroyed from the last stage to the first.
class nested_chain {
public:
    explicit nested_chain(item_reader_base* in = nullptr) noexcept : in_(in) {}
    nested_chain(const nested_chain&) = delete;
    nested_chain& operator=(const nested_chain&) = delete;
    ~nested_chain() {
        unwind();
        if (in_) in_->read_by({});
        while (!stages_.empty()) stages_.pop_back();
    }

    /// Ends all stages and their threads, from the last stage to the first.
    void unwind() noexcept {
        if (stages_.empty()) return;
        if (item_reader_base* const results = last().out())
            results->give_back();
        else
            last().abandon();
    }

    nested_stage& add(owning_ptr<nested_stage> stage) {
        stage->connect(in_, stages_.empty() ? nullptr : stages_.back().get());
        if (in_ && stages_.empty()) in_->read_by(stage->identity().stop);
        stages_.push_back(std::move(stage));
        return *stages_.back();
    }

    nested_stage& last() const noexcept { return *stages_.back(); }
    const std::vector<owning_ptr<nested_stage>>& stages() const noexcept { return stages_; }

private:
    item_reader_base* const in_;
    std::vector<owning_ptr<nested_stage>> stages_;
};

}  // namespace parallelpipe::detail

#endif
