// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_SOURCE_THREAD_HPP
#define PARALLELPIPE_DETAIL_INPUT_SOURCE_THREAD_HPP

#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_source.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/this_worker.hpp>

#include <cstdint>
#include <exception>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// A nested stage that a worker of another run reads: one of a run over the stage's Input, for example. That run can end
/// while the stage waits for its next item, and the stage can be read later. So the stage gets a thread of its own. The
/// reader waits here and can leave at any time; the item that it had asked for stays for the next reader.
///
/// | waits      | for                      | woken by                                       |
/// |------------|--------------------------|------------------------------------------------|
/// | the reader | a result, the end        | the thread, at each of them; the reader's stop |
/// | the thread | a request, or to be over | the reader; end()                              |
///
/// What both use is under mutex_. The thread makes one result for each request, and none ahead.
class source_thread final : public nested_source {
public:
    /// Makes results at `to`. The stop of `inner_stage` ends the work if it is possible, else the stage's own stop.
    /// Errors: `std::system_error` if the thread cannot be started.
    source_thread(nested_source& stage, void* to, const sync::stop_token& inner_stage)
        : nested_source(stage.identity()),
          stage_(stage),
          to_(to),
          number_(stage.number()),
          helper_(stopped_by(inner_stage, stage.identity())),
          thread_([this] { work(); }) {}
    ~source_thread() override { end(); }

    void request_stop() override { stage_.request_stop(); }

    void abandon() noexcept override {
        end();
        stage_.abandon();
    }

    void ended(bool quiet) override {
        if (!std::exchange(was_left_, false))
            stage_.ended(quiet);
        else if (!quiet)
            throw stop_unwind{};
    }

    std::uint64_t number() const override { return number_; }

    /// Blocks until the thread has ended: as soon as the stage yields, or sees its stop.
    void end() noexcept {
        {
            const sync::lock_guard lock(mutex_);
            is_over_ = true;
            asked_.notify_one();
        }
        stage_.request_stop();
        helper_.request_stop();
        if (thread_.joinable()) thread_.join();
    }
    /// After end(). Returns: whether there is a result that no reader has taken; then it belongs to the caller.
    bool take_untaken() noexcept {
        const bool is_made = state_ == state::made;
        state_ = state::idle;
        return is_made;
    }

private:
    enum class state { idle, asked, made, at_end };

    static worker_identity stopped_by(const sync::stop_token& stop, worker_identity worker) {
        if (stop.stop_possible()) worker.stop = stop;
        return worker;
    }

    /// The result lies where the thread was told to make it.
    bool produce_otherwise(void*) override {
        bool is_stopped = false;  // under mutex_
        const auto wake = [&] {
            const sync::lock_guard lock(mutex_);
            is_stopped = true;
            answered_.notify_one();
        };
        const sync::stop_callback on_stop(this_worker::stop_token(), wake);
        sync::unique_lock lock(mutex_);
        if (is_over_) return false;
        if (state_ == state::idle) {
            state_ = state::asked;
            asked_.notify_one();
        }
        answered_.wait(lock, [&] { return state_ != state::asked || is_stopped; });
        if (state_ == state::asked) {
            was_left_ = true;
            return false;
        }
        const bool is_made = std::exchange(state_, state::idle) == state::made;
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
        if (is_made) number_ = number_of_made_;
        return is_made;
    }

    void work() noexcept {
        const worker_scope scope(helper_.get());
        sync::unique_lock lock(mutex_);
        for (;;) {
            asked_.wait(lock, [this] { return state_ == state::asked || is_over_; });
            if (is_over_) return;
            lock.unlock();
            bool is_made = false;
            std::exception_ptr error;
            std::uint64_t number = 0;
            try {
                is_made = stage_.produce(to_);
                number = stage_.number();
            } catch (...) {
                error = std::current_exception();
            }
            lock.lock();
            state_ = is_made ? state::made : state::at_end;
            error_ = std::move(error);
            number_of_made_ = number;
            answered_.notify_one();
        }
    }

    nested_source& stage_;
    void* const to_;
    std::uint64_t number_;   // of the item in the reader's hand; the reader's own, as the next member
    bool was_left_ = false;  // the reader was told to stop where it waited
    sync::mutex mutex_;
    sync::condition_variable asked_;
    sync::condition_variable answered_;
    state state_ = state::idle;
    bool is_over_ = false;
    std::exception_ptr error_;
    std::uint64_t number_of_made_ = 0;
    helper_identity helper_;
    sync::thread thread_;  // last: it uses all the others
};

}  // namespace parallelpipe::detail

#endif
