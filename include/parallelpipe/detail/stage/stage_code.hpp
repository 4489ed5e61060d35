// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STAGE_CODE_HPP
#define PARALLELPIPE_DETAIL_STAGE_STAGE_CODE_HPP

// What a stage runs, its types erased. A run calls these functions once per worker, never per item; the one
// exception is item_sink.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_source.hpp>
#include <parallelpipe/detail/stage/item_type.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Where a worker's results go.
struct output {
    channel_base* channel = nullptr;
    sequencer* order = nullptr;  // null: results leave as they come
    std::size_t worker = 0;
    worker_counters* own_counters = nullptr;
};

/// Takes items one by one.
class item_sink {
public:
    item_sink() = default;
    item_sink(const item_sink&) = delete;
    item_sink& operator=(const item_sink&) = delete;
    virtual ~item_sink() = default;

    /// May move from the item. Returns: whether the sink wants more.
    virtual bool take(void* item) = 0;
};

class stage_code {
public:
    explicit stage_code(const item_type& result_type) noexcept : result_type_(result_type) {}
    stage_code(const stage_code&) = delete;
    stage_code& operator=(const stage_code&) = delete;
    virtual ~stage_code() = default;

    const item_type& result_type() const noexcept { return result_type_; }

    /// Before a run. Errors: std::logic_error if the stage reads a range that an earlier run has used up.
    virtual void begin_run() const {}

    /// Runs one worker: reads from `in` until the items or the stage function end, and writes to `out`.
    /// `in` is null for a source, `out.channel` for a sink.
    virtual void run(item_reader_base* in, output out) const = 0;

    /// Runs one worker whose results are pulled one by one. Null for a sink.
    virtual owning_ptr<nested_call> call(item_reader_base* in) const = 0;

    /// Whether the stage only calls a function for each item. Such a stage can be a kernel of a fused stage, which
    /// hands each item to the next kernel at once.
    virtual bool has_kernel() const noexcept { return false; }
    /// That function, with `next` as the sink of its results. Null without a kernel.
    virtual owning_ptr<item_sink> make_kernel(item_sink& /*next*/, const worker_identity&) const {
        return nullptr;
    }
    /// As run(), but hands each result to `first`. Does nothing for a sink or a range.
    virtual void run_into(item_reader_base* /*in*/, item_sink& /*first*/, const worker_identity&) const {}

private:
    const item_type& result_type_;
};

using shared_code = std::shared_ptr<const stage_code>;  // immutable: all copies of a stage and all runs share it

/// Makes a Code. It goes into a pointer to its base at once: the smart pointer's own code for each type would be a
/// fifth of what a program with a pipeline compiles.
template <class Code, class... Arguments>
shared_code make_code(Arguments&&... arguments) {
    const stage_code* const made = new Code(std::forward<Arguments>(arguments)...);
    return shared_code(made);
}

/// Reads to the end for a stage that has lost all its workers, and ignores the items. An item that cannot be moved or
/// converted is ignored, too.
inline void ignore_the_rest(item_reader_base& in) {
    for (;;) {
        try {
            in.drain();
            return;
        } catch (const stop_unwind&) {
            return;
        } catch (...) {
        }
    }
}

}  // namespace parallelpipe::detail

#endif
