// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_RANGE_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_RANGE_READER_HPP

#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>

#include <memory>
#include <optional>
#include <ranges>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The items of a range, one at a time.
template <class T, std::ranges::view View>
class range_reader final : public item_reader<T> {
public:
    explicit range_reader(View view) : view_(std::move(view)) {}

private:
    void checkpoint() override {
        if (!position_)
            position_.emplace(std::ranges::begin(view_));
        else if (*position_ != std::ranges::end(view_))
            ++*position_;
        if (*position_ == std::ranges::end(view_)) return;
        std::construct_at(slot_.data(), take_element<View>(*position_));
        this->restart_at(slot_.data());
    }

    View view_;
    std::optional<std::ranges::iterator_t<View>> position_;
    raw_storage<T, 1> slot_;
};

}  // namespace parallelpipe::detail

#endif
