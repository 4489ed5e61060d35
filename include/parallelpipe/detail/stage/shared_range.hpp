// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_SHARED_RANGE_HPP
#define PARALLELPIPE_DETAIL_STAGE_SHARED_RANGE_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/setup.hpp>

#include <cstdint>

namespace parallelpipe::inline v0::detail {

/// A range that the workers of one stage read themselves, in one run.
class shared_range {
public:
    /// One worker's way to the range.
    class reader {
    public:
        virtual ~reader() = default;
        /// Makes what the worker reads. Called once; the result dies before the reader.
        virtual owning_ptr<item_reader_base> open() = 0;
        /// Whether the range threw at an item for this worker.
        virtual bool has_failed() const noexcept = 0;
        /// Throws that error as an inner_failure, and forgets it: in a run without threads the next worker uses this
        /// reader, too.
        virtual void throw_failure() = 0;
    };

    virtual ~shared_range() = default;
    /// From now on no worker gets another item.
    virtual void stop() noexcept = 0;
    virtual bool is_stopped() const noexcept = 0;
    /// How many elements the workers have taken. Threads: any.
    virtual std::uint64_t taken() const noexcept = 0;
    /// `worker` outlives the reader.
    virtual owning_ptr<reader> open_for(const worker_identity& worker) = 0;
};

/// Makes a shared_range of a range's code. A pointer, so that only programs with such a range compile range_in_turn.
using range_opener = owning_ptr<shared_range> (*)(const stage_code& range, const Setup& setup);

/// Calls `what`, which reads from `from`, then throws the range's error, if there is one. Until then `what` is
/// unwound as by a stop: its user code could catch the error itself.
template <class What>
void throwing_failure_of(shared_range::reader& from, What what) {
    try {
        what();
    } catch (const stop_unwind&) {
        if (!from.has_failed()) throw;
    }
    if (from.has_failed()) from.throw_failure();
}

}  // namespace parallelpipe::detail

#endif
