#ifndef PARALLELPIPE_LASTING_HPP
#define PARALLELPIPE_LASTING_HPP

#include <cstddef>
#include <functional>
#include <ranges>
#include <utility>

namespace parallelpipe {

/// A view whose owner outlives the run: a literal, a part of a mapped file. A stage that takes items which own
/// their memory may yield it, where a view that may be one of its item is refused.
/// Shape: a View in everything else, and made of one: `[](const std::string& word) -> Lasting<std::string_view>`.
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
