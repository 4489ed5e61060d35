#ifndef PARALLELPIPE_FUSE_HPP
#define PARALLELPIPE_FUSE_HPP

#include <parallelpipe/detail/composed_steps.hpp>
#include <parallelpipe/detail/fused_body.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe {

/// Makes one stage of several: `fuse({.workers = 4}, parse | check | convert)`. Each of its workers runs
/// all of them, one inside the other, in one thread and without queues between.
/// Shape: a Stage<In, Out>. Workers, queue, order and `on_error` are its own; of the stages inside, the
///   names, `retry`, `dead_letter` and OnError::skip count, everything else of their settings has no
///   meaning there. Each worker of the fused stage has one of each stage inside.
/// Cost: a chain of map_stage, filter and tap, whose types fit without a conversion, is compiled as one
///   function, as long as it is written in place or kept with `auto`: a Pipeline<In, Out> has forgotten
///   what it is made of. Behind another first stage, or when that has been forgotten, an item goes from
///   one of them to the next by a virtual call. Any other stage is pulled by the one behind it, which
///   costs several.
/// Errors: an exception carries the name of the stage inside that threw; one without a name is called
///   `fused.stage_K`, by the fused stage's name and its position. `std::invalid_argument` for a
///   pipeline that begins with a range: that would be read by each worker; leave the range outside.
template <class In, class Out>
Stage<In, Out> fuse(Setup setup, const Pipeline<In, Out>& stages) {
    if (stages.stages().front().is_range)
        throw std::invalid_argument(
            "parallelpipe: fuse takes the stages behind a range: write range | fuse(a | b)");
    Stage<In, Out> fused(detail::make_body<detail::fused_body<Out>>(stages.stages()));
    fused.setup(std::move(setup));
    return fused;
}
template <class In, class Out>
Stage<In, Out> fuse(const Pipeline<In, Out>& stages) {
    return fuse(Setup{}, stages);
}
template <class In, class Out, class... Bodies>
Stage<In, Out> fuse(Setup setup, const detail::step_pipeline<In, Out, Bodies...>& stages) {
    using function = detail::composed_function<Bodies...>;
    if (!function::fits(stages.stages()))
        return fuse(std::move(setup), static_cast<const Pipeline<In, Out>&>(stages));
    Stage<In, Out> fused(function::make_body(stages.stages()));
    fused.setup(std::move(setup));
    return fused;
}
template <class In, class Out, class... Bodies>
Stage<In, Out> fuse(const detail::step_pipeline<In, Out, Bodies...>& stages) {
    return fuse(Setup{}, stages);
}
template <detail::generic_operand Generic>
void fuse(const Setup&, const Generic&) {
    static_assert(!detail::generic_operand<Generic>,
                  "parallelpipe: what is fused is made before its left side is known, so its first stage "
                  "has to know its item type: name it, [](int x) { ... }, and pass the arguments it needs");
}
template <detail::generic_operand Generic>
void fuse(const Generic& stage) {
    fuse(Setup{}, stage);
}
template <class In, class Out>
Stage<In, Out> fuse(Setup setup, const Stage<In, Out>& stage) {
    return fuse(std::move(setup), Pipeline<In, Out>(stage));
}
template <class In, class Out>
Stage<In, Out> fuse(const Stage<In, Out>& stage) {
    return fuse(Setup{}, Pipeline<In, Out>(stage));
}

}  // namespace parallelpipe

#endif
