// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_RUN_CHECKS_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_RUN_CHECKS_HPP

// What cannot run, and which container cannot take the results: messages of the compiler.

#include <concepts>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class In>
constexpr bool is_fed() {
    static_assert(std::is_void_v<In>, "parallelpipe: this pipeline is open at the front: no source feeds it; write "
                                      "(range | pipeline).results(), or (range | pipeline).execute()");
    return std::is_void_v<In>;
}

template <class In, class Out>
constexpr bool has_results() {
    constexpr bool fed = detail::is_fed<In>();
    static_assert(!std::is_void_v<Out>,
                  "parallelpipe: this pipeline ends in a sink and has no results; call execute()");
    return fed && !std::is_void_v<Out>;
}

template <class Container, class Item>
constexpr bool check_kept() {
    constexpr bool fits = requires(Container& all, Item&& item) { all.push_back(std::forward<Item>(item)); } ||
                          requires(Container& all, Item&& item) { all.insert(all.end(), std::forward<Item>(item)); };
    static_assert(fits,
                  "parallelpipe: this container does not take the results of the pipeline, by push_back or by "
                  "insert; write collect<std::vector>(), or collect<std::map<Key, Value>>() where each result is a "
                  "std::pair<Key, Value>");
    return fits;
}

/// For for_each(f).
template <class F, class Out>
constexpr bool check_taker() {
    constexpr bool fits = std::invocable<F&, Out> || std::invocable<F&, Out&>;
    static_assert(fits, "parallelpipe: for_each(f) calls f with each result, and this f does not take it; write "
                        "for_each([](auto& result) { ... }), or change the type of its parameter");
    return fits;
}

/// Container<Out>, for collect<Container>().
template <template <class...> class Container, class In, class Out>
constexpr bool check_container() {
    if constexpr (detail::has_results<In, Out>()) {
        constexpr bool fits = requires { typename Container<Out>; };
        static_assert(fits, "parallelpipe: collect<Container>() makes a Container<Out>, and this container has other "
                            "parameters; name the whole type: collect<std::map<Key, Value>>(), where each result is a "
                            "std::pair<Key, Value>");
        return fits;
    } else {
        return false;
    }
}

/// The begin() and end() that `for (auto& x : pipe)` finds: the message is the only error of that loop. For std::ranges a
/// pipeline is no range, and asking for that is no error.
template <class Out>
class not_a_range {
    struct any_item {
        template <class T>
        operator T() const;
    };
    using item = std::conditional_t<std::is_void_v<Out>, any_item, Out>;

    struct iterator {
        item& operator*() const;
        iterator& operator++();
        bool operator!=(const iterator&) const;
    };

public:
    template <class... None>
    iterator begin() const {
        static_assert(sizeof...(None) != 0,
                      "parallelpipe: a pipeline has no items before it runs; loop over its results: for (auto& x "
                      ": pipe.results()), with a range in front: (range | stage).results()");
        return {};
    }
    template <class... None>
    iterator end() const {
        return {};
    }
};

}  // namespace parallelpipe::detail

#endif
