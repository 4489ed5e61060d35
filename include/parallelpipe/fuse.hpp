// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_FUSE_HPP
#define PARALLELPIPE_FUSE_HPP

#include <parallelpipe/detail/pipeline/fused.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/settings.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <utility>

namespace parallelpipe::inline v0 {

/// Makes one stage of several: `fuse({.workers = 4}, parse | check | convert)`. Each worker of the fused stage runs
/// all stages inside, one in the other, in its own thread and without queues between them.
/// Shape: a Stage<In, Out>. It has its own workers, queue, order and `on_error`. Of the stages inside, the names,
///   `retry`, `dead_letter` and OnError::skip count; `ordered` and OnError::finish only decide what becomes of an
///   error (below); their other settings have no effect.
///   The workers read a range in front, `fuse({.workers = 4}, range | parse | check)`, themselves, in turn and an
///   item at a time: the worker that takes an item takes it through all stages. (A source stage in front runs
///   once in each worker, as every source does.)
/// Threads: several workers read the range, but one at a time. A generator there may continue in another thread
///   than the one in which it paused, so it must not hold a lock over a co_yield.
///   A stage inside that reads its items in a thread of its own (a batch with a time limit, a run over its Input)
///   runs the stages before it in that thread.
/// Blocks: a worker also until its turn at the range comes; the worker that read before wakes it.
/// Cost: a chain of map_stage, filter and tap whose types fit without a conversion is compiled as one function, if
///   it is written in place or kept with `auto`: a Pipeline<In, Out> does not know the functions in it any more.
///   After a range or another kind of first stage, or in a Pipeline<In, Out>, handing an item to one of these
///   three costs a virtual call. Any other stage is pulled by the stage after it, which costs several.
/// Errors: an exception carries the name of the stage inside that threw; one without a name is called
///   `fused.stage_K` or `fused.filter_K`, by the name of the fused stage, its own kind and its position; the range
///   is `fused.source`, or what source() called it. If that stage or the fused one is ordered or has OnError::finish,
///   the stages after it come to the end of their items, as they do with threads: a `batch` yields what it has. Else
///   they are unwound. With OnError::finish, its own or that of the fused stage, a range that throws has ended; when
///   all workers are lost, the rest of the range is not read.
template <detail::operand Stages>
auto fuse(Setup setup, const Stages& stages) {
    if constexpr (detail::check_fused<Stages>()) {
        using chain = detail::chain_of<Stages>;
        Stage<typename chain::in, typename chain::out> fused(detail::fused_entry(stages));
        fused.setup(std::move(setup));
        return fused;
    }
}
template <detail::operand Stages>
auto fuse(const Stages& stages) {
    return parallelpipe::fuse(Setup{}, stages);
}

template <class... Wrong>
    requires(!detail::are_chained<Wrong...>)
detail::no_chain<Wrong...> fuse(Wrong&&...);
template <class... Wrong>
    requires(!detail::are_chained<Setup, Wrong...>)
detail::no_chain<Wrong...> fuse(Setup, Wrong&&...);

PARALLELPIPE_REFUSE_WRONG_SETTINGS(fuse, detail::anything)

}  // namespace parallelpipe

#endif
