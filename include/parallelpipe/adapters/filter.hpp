#ifndef PARALLELPIPE_ADAPTERS_FILTER_HPP
#define PARALLELPIPE_ADAPTERS_FILTER_HPP

#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <concepts>
#include <utility>

namespace parallelpipe {

namespace detail {

template <class F, class In, class... Arguments>
concept judges_item = requires(F& f, In& item, Arguments&... arguments) {
    { call_item{}(f, item, arguments...) } -> std::convertible_to<bool>;
};

template <class F, class In>
class filter_function : public looking_function<F, In> {
public:
    using looking_function<F, In>::looking_function;

    template <class... Arguments>
        requires judges_item<F, In, Arguments...>
    generator<In> operator()(Input<In> items, Arguments&... arguments) {
        const item_policy<In> policy = this->policy();
        const bool is_active = policy.is_active();
        bool kept = false;
        const auto judge = [&](In& item) {
            kept = static_cast<bool>(call_item{}(this->f_, item, arguments...));
        };
        for (In& item : items) {
            if (!is_active)
                policy.once([&] { judge(item); });
            else if (!policy.attempt(item, [&] { judge(item); }))
                continue;
            if (kept) co_yield std::move(item);
        }
    }
};

}  // namespace detail

/// Makes a stage that passes on the items for which `predicate` is true.
/// Shape: none or one result per item, the item itself, moved. The predicate gets it as an lvalue.
///   Parameters behind the item are bound by a call. A generic predicate, and one that takes a
///   reference to somebody else's memory such as a `std::string_view`, gets its item type from the
///   left of `|`. An ItemStage: one item can fail alone.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class Predicate>
auto filter(Setup setup, Predicate&& predicate) {
    return detail::make_item_stage<detail::item_verb<detail::filter_function>>(
        std::move(setup), std::forward<Predicate>(predicate));
}
template <class Predicate>
auto filter(Predicate&& predicate) {
    return filter(Setup{}, std::forward<Predicate>(predicate));
}

}  // namespace parallelpipe

#endif
