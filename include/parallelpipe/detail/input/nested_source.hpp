// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_NESTED_SOURCE_HPP
#define PARALLELPIPE_DETAIL_INPUT_NESTED_SOURCE_HPP

// What makes the items that a stage reads in its own thread.
//
// | atomic      | written by                               | read by             | what it carries      |
// |-------------|------------------------------------------|---------------------|----------------------|
// | is_stopped_ | request_stop(), from any thread, release | the stage, acquire  | the reason for it    |
// | made_       | the thread that runs the stage           | stats(), any thread | a number: relaxed    |

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// One call of a stage function whose results are pulled.
class nested_call {
public:
    nested_call() = default;
    nested_call(const nested_call&) = delete;
    nested_call& operator=(const nested_call&) = delete;
    virtual ~nested_call() = default;

    /// Makes the next result at `to`. Returns: false at the end.
    virtual bool next(void* to) = 0;
};

/// The stage that is pulled, its types erased.
/// Threads: one at a time; request_stop() any.
///
/// An item passes through all stages in one stack of calls. A processor predicts few return addresses, so each stage
/// adds as few calls as possible: as long as the stage's own call goes on, the reader after it asks that call.
class nested_source {
public:
    explicit nested_source(const worker_identity& identity) noexcept : identity_(&identity) {}
    nested_source(const nested_source&) = delete;
    nested_source& operator=(const nested_source&) = delete;
    virtual ~nested_source() = default;

    /// Makes the next result at `to`; calls the stage again where a call has ended. Returns: false at the end.
    /// Errors: stop_unwind alone.
    PARALLELPIPE_INLINE bool produce(void* to) {
        if (call_) [[likely]] {
            const worker_scope scope(*identity_);
            if (goes_on(to)) return true;
        }
        return produce_otherwise(to);
    }
    /// The results are not wanted any more: tells the stage and those before it, also where they wait.
    /// Threads: any.
    virtual void request_stop() {}
    /// The results are not wanted any more: unwinds the stage's call.
    virtual void abandon() noexcept = 0;
    /// After the last result: throws the reason, if the reader can be unwound (`quiet`: it cannot).
    virtual void ended(bool quiet) = 0;
    /// As item_reader_base::ordered().
    virtual ordered_reader* ordered() noexcept { return nullptr; }
    /// The number of the last result, if results have numbers of their own.
    virtual std::uint64_t number() const { return 0; }

    /// The worker that makes the results.
    const worker_identity& identity() const noexcept { return *identity_; }

protected:
    /// Produces where there is no call, or the call has ended.
    virtual bool produce_otherwise(void* to) = 0;
    /// Called in the handler of what call_ threw. Returns: whether its worker is lost, and other workers go on.
    virtual bool call_threw() { return false; }
    /// call_ has come to its end, or has thrown.
    virtual void call_ended(bool /*is_lost*/) {}

    /// In the scope of the stage's worker. Returns: whether call_ has made a result; else it has ended, or the stage was
    /// stopped.
    PARALLELPIPE_INLINE bool goes_on(void* to) {
        if (is_stopped_.load(std::memory_order_acquire)) return false;
        bool is_lost = false;
        try {
            if (call_->next(to)) {
                made_.store(made_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
                return true;
            }
        } catch (...) {
            is_lost = call_threw();
        }
        call_ended(is_lost);
        return false;
    }

    owning_ptr<nested_call> call_;  // null: there is none
    const worker_identity* const identity_;
    sync::atomic<bool> is_stopped_{false};
    sync::atomic<std::uint64_t> made_{0};  // results
};

}  // namespace parallelpipe::detail

#endif
