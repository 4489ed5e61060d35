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

/// Makes one stage of several: `fuse({.workers = 4}, parse | check | convert)`. Each of its workers runs
/// all of them, one inside the other, in one thread and without queues between.
/// Shape: a Stage<In, Out>. Workers, queue, order and `on_error` are its own; of the stages inside, the
///   names, `retry`, `dead_letter` and OnError::skip count; `ordered` and OnError::finish say there only
///   what becomes of an error (below); everything else of their settings has no meaning. Each worker of the fused stage has one of each stage inside. A range in front,
///   `fuse({.workers = 4}, range | parse | check)`, is read by the workers themselves, an item at a time
///   and in turn: whoever takes an item sees to it to the end, and nothing of it changes the core. (A
///   source stage in front runs once for each worker, as every source does.)
/// Threads: the range is read by several, but by one at a time. A generator there goes on in another
///   thread than the one in which it paused, so it holds no lock over a co_yield.
///   A stage inside that has a thread for its items (a batch with a time limit, a run over its Input) lets
///   the stages before it run in that thread.
/// Blocks: a worker also until it is its turn at the range; woken by the one that was in it.
/// Cost: a chain of map_stage, filter and tap, whose types fit without a conversion, is compiled as one
///   function, as long as it is written in place or kept with `auto`: a Pipeline<In, Out> has forgotten
///   what it is made of. Behind another first stage or a range, or when that has been forgotten, an item
///   goes from one of them to the next by a virtual call. Any other stage is pulled by the one behind it,
///   which costs several.
/// Errors: an exception carries the name of the stage inside that threw; one without a name is called
///   `fused.stage_K` or `fused.filter_K`, by the fused stage's name, what it is and its position, and the
///   range `fused.source`. If that stage or the fused one is ordered or has OnError::finish, the stages after it
///   come to the end of their items, as they do with threads: a `batch` yields what it has. Else they are
///   unwound. With
///   OnError::finish a range that throws has ended, and the rest of one whose workers have all been lost
///   is not read.
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
