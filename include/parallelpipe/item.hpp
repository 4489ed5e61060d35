// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_ITEM_HPP
#define PARALLELPIPE_ITEM_HPP

// Which types can be items of a pipeline.

#include <functional>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0 {

/// A type whose values can travel through a pipeline: an object that can be moved and is not const.
template <class T>
concept can_be_item = std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> &&
                      !std::is_array_v<T> && std::is_move_constructible_v<T> && std::is_destructible_v<T>;

/// The same, or `void` for the open end of a source or a sink.
template <class T>
concept can_be_item_or_void = std::is_void_v<T> || can_be_item<T>;

/// Whether a copy of an item compiles: where the item must stay whole, a function that takes it by value gets a copy.
/// `std::is_copy_constructible` does not tell: it is true for a `std::vector<std::unique_ptr<T>>`, whose copy does not
/// compile. This looks into containers, pairs, tuples and optionals. For a class of yours with such a member,
/// specialise it as false, or delete the copy constructor.
template <class T>
inline constexpr bool is_copyable_item = [] {
    if constexpr (!std::is_copy_constructible_v<T>) {
        return false;
    } else if constexpr (std::ranges::input_range<T> && !std::ranges::view<T>) {
        using element = std::ranges::range_value_t<T>;
        if constexpr (std::is_same_v<element, T>)
            return true;
        else
            return is_copyable_item<element>;
    } else {
        return true;
    }
}();
template <class A, class B>
inline constexpr bool is_copyable_item<std::pair<A, B>> =
    is_copyable_item<A> && is_copyable_item<B>;
template <class... Parts>
inline constexpr bool is_copyable_item<std::tuple<Parts...>> = (is_copyable_item<Parts> && ...);
template <class T>
inline constexpr bool is_copyable_item<std::optional<T>> = is_copyable_item<T>;

/// A view whose memory outlives the run: of a literal, or of a mapped file. A stage may yield it where its items own
/// memory, and any other view is refused, as it may look at an item that is gone.
/// Shape: a View in everything else, and made from one: `[](const std::string& word) -> Lasting<std::string_view>`.
template <class View>
class Lasting : public View {
public:
    using View::View;
    Lasting() = default;
    Lasting(View view) : View(std::move(view)) {}
};

}  // namespace parallelpipe

template <class View>
inline constexpr bool std::ranges::enable_view<parallelpipe::Lasting<View>> = std::ranges::enable_view<View>;
template <class View>
inline constexpr bool std::ranges::enable_borrowed_range<parallelpipe::Lasting<View>> =
    std::ranges::enable_borrowed_range<View>;
template <class View>
struct std::hash<parallelpipe::Lasting<View>> : std::hash<View> {};

#endif
