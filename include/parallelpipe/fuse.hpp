// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_FUSE_HPP
#define PARALLELPIPE_FUSE_HPP

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/nested/fused_stage.hpp>
#include <parallelpipe/detail/nested/kernel_chain.hpp>
#include <parallelpipe/detail/nested/range_in_turn.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <type_traits>
#include <concepts>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

namespace detail {

/// What is known of a fused stage but for its body.
template <class Out>
stage_entry fused_entry(const std::vector<stage_entry>& stages) {
    stage_entry entry;
    entry.yields_views = detail::views_memory<Out>();
    entry.views_items = detail::views_items(stages);
    return entry;
}

/// Takes the range in front of `stages` away, or that of their first one, which is fused itself.
template <class...>
shared_code take_range(std::vector<stage_entry>& stages) {
    stage_entry& first = stages.front();
    if (!first.is_range) return std::exchange(first.range, nullptr);
    shared_code range = std::move(first.code);
    stages.erase(stages.begin());
    return range;
}

}  // namespace detail

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
template <class In, class Out>
Stage<In, Out> fuse(Setup setup, const Pipeline<In, Out>& stages) {
    std::vector<detail::stage_entry> inner = stages.stages();
    detail::stage_entry entry = detail::fused_entry<Out>(inner);
    entry.range = detail::take_range(inner);
    entry.open_range = detail::range_in_turn::open;
    entry.code = detail::make_code<detail::fused_stage<Out>>(std::move(inner));
    Stage<In, Out> fused(std::move(entry));
    fused.setup(std::move(setup));
    return fused;
}
template <class In, class Out>
Stage<In, Out> fuse(const Pipeline<In, Out>& stages) {
    return parallelpipe::fuse(Setup{}, stages);
}
template <class In, class Out, class... Codes>
Stage<In, Out> fuse(Setup setup, const detail::kernel_pipeline<In, Out, Codes...>& stages) {
    using function = detail::composed_function<Codes...>;
    if (!function::fits(stages.stages()))
        return parallelpipe::fuse(std::move(setup), static_cast<const Pipeline<In, Out>&>(stages));
    detail::stage_entry entry = detail::fused_entry<Out>(stages.stages());
    entry.code = function::make_code(stages.stages());
    Stage<In, Out> fused(std::move(entry));
    fused.setup(std::move(setup));
    return fused;
}
template <class In, class Out, class... Codes>
Stage<In, Out> fuse(const detail::kernel_pipeline<In, Out, Codes...>& stages) {
    return parallelpipe::fuse(Setup{}, stages);
}
template <detail::generic_operand Generic>
auto fuse(const Setup&, const Generic&) {
    static_assert(!detail::generic_operand<Generic>,
                  "parallelpipe: what is fused is made before its left side is known, so its first stage "
                  "has to know its item type: name it, [](int x) { ... }, or Stage<int, std::vector<int>>(batch(10)), "
                  "and pass the arguments it needs");
}
template <detail::generic_operand Generic>
auto fuse(const Generic& stage) {
    return parallelpipe::fuse(Setup{}, stage);
}
template <class In, class Out>
Stage<In, Out> fuse(Setup setup, const Stage<In, Out>& stage) {
    return parallelpipe::fuse(std::move(setup), Pipeline<In, Out>(stage));
}
template <class In, class Out>
Stage<In, Out> fuse(const Stage<In, Out>& stage) {
    return parallelpipe::fuse(Setup{}, Pipeline<In, Out>(stage));
}

namespace detail {

template <class...>
inline constexpr bool are_chained = false;
template <class Stages>
inline constexpr bool are_chained<Stages> = operand<Stages>;
template <class Settings, class Stages>
inline constexpr bool are_chained<Settings, Stages> = std::convertible_to<Settings, Setup> && operand<Stages>;

template <class... Wrong>
struct no_chain {
    static_assert(never<Wrong...>,
                  "parallelpipe: fuse takes stages that are chained already: write fuse(a | b | c), or "
                  "fuse({.workers = 4}, a | b | c)");
};

}  // namespace detail

template <class... Wrong>
    requires(!detail::are_chained<Wrong...>)
detail::no_chain<Wrong...> fuse(Wrong&&...);
template <class... Wrong>
    requires(!detail::are_chained<Setup, Wrong...>)
detail::no_chain<Wrong...> fuse(Setup, Wrong&&...);

PARALLELPIPE_REFUSE_WRONG_SETTINGS(fuse, detail::anything)

}  // namespace parallelpipe

#endif
