#ifndef PARALLELPIPE_ADAPTERS_MAP_STAGE_HPP
#define PARALLELPIPE_ADAPTERS_MAP_STAGE_HPP

#include <parallelpipe/input.hpp>
#include <parallelpipe/item_stage.hpp>
#include <parallelpipe/setup.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe {

namespace detail {

/// The results of one call for each item, as a single-pass range. `once` is called without a policy,
/// `again` with one; the result is then made when the reader asks whether there is one.
template <class In, class Out, class Once, class Again>
class mapped_items {
public:
    mapped_items(Input<In> items, item_policy<In> policy, Once once, Again again)
        : items_(std::move(items)),
          policy_(policy),
          is_active_(policy.is_active()),
          keeps_whole_(policy.keeps_whole()),
          once_(std::move(once)),
          again_(std::move(again)) {}

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Out;
        using difference_type = std::ptrdiff_t;

        iterator(mapped_items& all) : all_(&all), item_(all.items_.begin()) {}

        Out operator*() const { return all_->result(item_); }
        iterator& operator++() {
            all_->result_.reset();
            ++item_;
            return *this;
        }
        void operator++(int) { ++*this; }

        friend bool operator==(const iterator& it, std::default_sentinel_t) {
            return it.is_at_end();
        }

    private:
        bool is_at_end() const { return all_->at_end(item_); }

        mapped_items* all_;
        mutable typename Input<In>::iterator item_;
    };

    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    Out result(typename Input<In>::iterator& item) {
        if (!is_active_) return policy_.once([&] { return once_(*item); });
        return *std::move(result_);
    }

    bool at_end(typename Input<In>::iterator& item) {
        if (!is_active_) return item == std::default_sentinel;
        while (!result_ && item != std::default_sentinel)
            if (!policy_.attempt(*item, [&] { make(*item); })) ++item;
        return !result_;
    }

    void make(In& item) {
        if (keeps_whole_)
            result_.emplace(again_(item));
        else
            result_.emplace(once_(item));
    }

    Input<In> items_;
    item_policy<In> policy_;
    bool is_active_;
    bool keeps_whole_;
    Once once_;
    Again again_;
    std::optional<Out> result_;  // with a policy only: what was made for the item in hand
};

/// The stage function that applies F to each item.
template <class F, class In>
class map_function : public consuming_function<F, In> {
public:
    using consuming_function<F, In>::consuming_function;

    template <class... Arguments>
        requires consumes_item<F, In, Arguments...>
    auto operator()(Input<In> items, Arguments&... arguments) {
        using Result = decltype(this->hand_last(std::declval<In&>(), arguments...));
        static_assert(!std::is_void_v<Result>,
                      "parallelpipe: map_stage needs one result per item and this callable returns "
                      "void; write a sink: for_each(f), or tap(f) to look at items that go on");
        if constexpr (!std::is_void_v<Result>) {
            using Out = std::remove_cvref_t<Result>;
            const auto once = [this, bound = std::tie(arguments...)](In& item) -> Out {
                return detail::spread(
                    [&](auto&... a) { return static_cast<Out>(this->hand_last(item, a...)); }, bound);
            };
            const auto again = [this, bound = std::tie(arguments...)](In& item) -> Out {
                return detail::spread(
                    [&](auto&... a) { return static_cast<Out>(this->hand_whole(item, a...)); }, bound);
            };
            return mapped_items<In, Out, decltype(once), decltype(again)>(
                std::move(items), this->policy(), once, again);
        }
    }
};

}  // namespace detail

/// Makes a stage that maps each item to one result: `map_stage({.workers = 4}, f)`.
/// Shape: one result per item, `f(item, arguments...)`; a reference result is copied. Parameters
///   behind the item are bound by a call: `map_stage(f)(7)`. A generic `f`, and one that takes a
///   reference to somebody else's memory such as a `std::string_view`, gets its item type from the
///   left of `|`. An ItemStage: one item can fail alone.
/// Errors: `std::invalid_argument` for a setting that the stage cannot have.
template <class F>
auto map_stage(Setup setup, F&& f) {
    return detail::make_item_stage<detail::item_verb<detail::map_function>>(std::move(setup),
                                                                            std::forward<F>(f));
}
template <class F>
auto map_stage(F&& f) {
    return map_stage(Setup{}, std::forward<F>(f));
}

}  // namespace parallelpipe

#endif
