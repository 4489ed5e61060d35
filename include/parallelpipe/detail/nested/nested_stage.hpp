// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_NESTED_STAGE_HPP
#define PARALLELPIPE_DETAIL_NESTED_NESTED_STAGE_HPP

// Stages that run one inside the other in one thread: asked for a result, the last one asks the one
// before it for an item, and so on up to the source or to the feed that the first one reads.
//
// An exception of a stage does not pass through the stage functions after it, which could catch it. It is noted, and
// the stages after it are unwound where they wait for their next item, or come to the end of their items, as in a run
// with threads.
//
// A stage can have a thread that reads its items (a batch with a time limit, a run over its Input). Then the stages
// before it run in that thread, at the same time as those after it. A stage and what it reads belong to one thread at
// a time nevertheless: a stage joins its threads before it ends or is unwound, and only then touches the stages before
// it. What two threads can reach at once is the owner, who has a lock for errors, and request_stop(), whose flags are
// atomic. unwind() ends all stages and with them all such threads: only then the owner reads the errors, and the
// stages die.

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

/// What becomes of a stage that has thrown.
enum class after_error {
    next_worker,  // the worker is lost
    ends,         // the stages after it come to the end of their items, those before it are unwound
    unwinds       // all of them are, and have been told
};

/// What becomes of the errors and of the end of nested stages.
/// Threads: failed() and unwound() from any thread in which a stage runs.
class nested_owner {
public:
    nested_owner() = default;
    nested_owner(const nested_owner&) = delete;
    nested_owner& operator=(const nested_owner&) = delete;
    virtual ~nested_owner() = default;

    /// `at` threw.
    virtual after_error failed(const nested_stage& at, std::exception_ptr cause) = 0;
    /// The first stage was unwound by another run, whose items it reads, and which was stopped.
    virtual void unwound() = 0;
    /// After the last result of the last stage. Errors: what there is to say about the run.
    virtual void ended() = 0;
};

/// One stage of the chain. Its workers run one after the other, each till its function returns.
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
    /// Before the stage begins. `host`: the worker of the fused stage that this one is in, else null.
    void belongs_to(const worker_identity* host, item_counters* counters) noexcept {
        worker_.host = host;
        worker_.counters = counters;
    }
    bool has_taken() const { return in_ && in_->has_taken(); }
    /// The number of the item in hand. In the stage's thread.
    std::uint64_t item() const { return in_ ? in_->number_in_hand() : 0; }
    OnError on_error() const { return entry_.setup.on_error.value_or(OnError::stop); }

    /// Reads from `in`, which is null for a source, or from the stage before it. Its own results are read from
    /// out(), which is null for a sink.
    void connect(item_reader_base* in, nested_stage* before) {
        before_ = before;
        in_ = before ? before->out() : in;
        if (entry_.range) {
            range_ = entry_.open_range(*entry_.range);
            from_range_ = range_->open_for(worker_);
            converted_ = from_range_->open();
            in_ = converted_.get();
        }
        if (in_ && entry_.convert) {
            converted_ = entry_.convert(*in_);
            in_ = converted_.get();
        }
        out_ = entry_.code->result_type().make_nested_reader(*this, false);
    }
    item_reader_base* out() const noexcept { return out_.get(); }

    /// A sink: to its end. The first worker is called however the stage stands, as with threads: its function may be
    /// one that cannot be unwound and counts on seeing the end of its items.
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

    /// How many elements of its range so far; for any thread.
    std::uint64_t taken() const noexcept { return range_ ? range_->taken() : 0; }
    /// How many results so far; for any thread.
    std::uint64_t made() const noexcept { return made_.load(std::memory_order_relaxed); }

    void request_stop() override {
        if (stop_.stop_requested()) return;  // then those before it have been told, too
        if (before_) before_->request_stop();
        is_stopped_.store(true, std::memory_order_release);
        stop_.request_stop();
    }

    void abandon() noexcept override {
        end_worker_ = 0;
        request_stop();  // else to unwind them could take for ever
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
        // With OnError::finish what it has not read is read for nothing.
        if (in_ && worker_.index + 1 == end_worker_ && on_error() != OnError::finish)
            in_->last_reader_comes();
    }

    /// By the next worker's call.
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
            const after_error next = owner_.failed(*this, std::current_exception());
            if (next == after_error::next_worker) return true;
            if (next == after_error::ends) end_worker_ = 0;
            was_unwound_ = next == after_error::unwinds;
        }
        return false;
    }

    void call_ended(bool is_lost) override {
        call_.reset();  // first: with it end the threads that read for it
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

    /// Its own of what it reads.
    void give_back_inner() {
        if (before_ || from_range_) in_->give_back();
    }

    nested_owner& owner_;
    const stage_entry& entry_;
    const std::string name_;
    sync::stop_source stop_;  // its own: a later stage may end while this one goes on, and the other way round
    worker_identity worker_;
    std::size_t end_worker_;
    item_reader_base* in_ = nullptr;
    nested_stage* before_ = nullptr;  // null: in_ is not a nested stage's
    bool was_unwound_ = false;
    bool all_lost_ = true;  // of its workers so far
    owning_ptr<shared_range> range_;  // what it reads instead of a stage before it
    owning_ptr<shared_range::reader> from_range_;
    owning_ptr<item_reader_base> converted_;  // or the feed of that
    owning_ptr<item_reader_base> out_;
};

/// Stages, the first one reading from `in`, or null. Destroyed from the last one to the first.
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

    /// Ends all stages that have not ended, from the last one to the first, and their threads.
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
