// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_STAGE_HPP
#define PARALLELPIPE_STAGE_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/keyed/keyed_reader.hpp>
#include <parallelpipe/detail/stage/checks.hpp>
#include <parallelpipe/detail/stage/function_stage.hpp>
#include <parallelpipe/detail/stage/item_views.hpp>
#include <parallelpipe/detail/stage/make_entry.hpp>
#include <parallelpipe/detail/stage/operand.hpp>
#include <parallelpipe/detail/stage/settings.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/stage/stage_template.hpp>
#include <parallelpipe/fluent_settings.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/runnable.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0 {

/// What runs: a callable, its bound arguments and its settings.
/// Shape: a value; copies never influence each other. `In` is void for a source, `Out` for a sink.
///   Every worker of every run gets its own copy of the callable and of the arguments.
/// Threads: as a standard container: const members from several threads at once.
template <class In, class Out>
class PARALLELPIPE_RUN_IT Stage : public runnable<Stage<In, Out>, In, Out>,
                                  public fluent_settings<Stage<In, Out>> {
    static_assert(can_be_item_or_void<In> && can_be_item_or_void<Out>,
                  "parallelpipe: items are values: In and Out of a Stage must be object types that "
                  "can be moved, not references and not const; write std::remove_cvref_t<T>, and for what cannot be "
                  "moved std::unique_ptr<T>");

public:
    /// Makes a stage of `f`, with `arguments` for Args. `f` is one of
    ///
    ///     generator<Out> f(Input<In>, Args...)     // map, filter, flat-map, reduce
    ///     generator<Out> f(Args...)                // a source
    ///     Range          f(Input<In>, Args...)     // any input range by value
    ///     void           f(Input<In>, Args...)     // a sink
    ///
    /// or a member function, its object as the first argument; or a stage that does not know its items yet:
    /// `Stage<int, std::vector<int>>(batch(10))`.
    template <class F, class... Arguments>
        requires(!std::is_base_of_v<Stage, std::remove_cvref_t<F>> &&
                 !std::same_as<std::remove_cvref_t<F>, detail::stage_entry>)
    explicit Stage(F&& f, Arguments&&... arguments)
        : entry_(detail::make_entry<In, Out>(std::forward<F>(f), std::forward<Arguments>(arguments)...)) {}

    /// A copy: the call of a stage that has all its arguments.
    Stage operator()() const { return *this; }

    /// For the library.
    explicit Stage(detail::stage_entry entry) : entry_(std::move(entry)) {}
    const detail::stage_entry& entry() const noexcept { return entry_; }
    std::vector<detail::stage_entry> stages() const { return {entry_}; }

protected:
    friend fluent_settings<Stage>;
    void set(Setup changes) {
        if (entry_.is_range) detail::check_range_setup(changes);
        detail::apply(entry_.setup, std::move(changes), entry_.per_item);
    }
    template <class Key>
    void set_key(Key key) {
        if constexpr (detail::check_key<In, Key>())
            entry_.partition = std::make_shared<detail::typed_key_router_maker<In, Key>>(std::move(key));
    }
    template <class Handler>
    void set_handler(const Handler&) {
        detail::check_dead_letter<Handler, false>();
    }

    detail::stage_entry entry_;
};

template <class F, class... Arguments>
    requires(!detail::typed_operand<F>)
Stage(F, Arguments...) -> Stage<typename detail::deduced_types<F>::in, typename detail::deduced_types<F>::out>;

/// Makes a stage of a stage function: `stage({.workers = 4}, f)`.
/// Shape: the result is a Stage, or, if `f` has parameters after its Input, what a call with the arguments makes
///   a Stage of: `range | add_n(7)`. A generic `f` gets its item type from the left of `|`.
/// Errors: `std::invalid_argument` for a setting that no stage can have.
template <class F>
auto stage(Setup setup, F&& f) {
    using Function = std::decay_t<F>;
    if constexpr (detail::function_maker::check<Function>())
        return detail::make_stage<detail::function_maker, Function>(std::move(setup), std::forward<F>(f),
                                                                    std::tuple<>());
}
template <class F>
auto stage(F&& f) {
    return stage(Setup{}, std::forward<F>(f));
}

PARALLELPIPE_REFUSE_WRONG_SETTINGS(stage, detail::anything)

}  // namespace parallelpipe

#endif
