// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_PARTS_HPP
#define PARALLELPIPE_DETAIL_ITEM_ITEM_STAGE_PARTS_HPP

#include <parallelpipe/detail/item/call_item.hpp>
#include <parallelpipe/detail/item/item_policy.hpp>
#include <parallelpipe/stage.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// What an ItemStage is made of, the type of its function erased: so its code can be made again with a dead-letter
/// handler.
template <class In, class Out>
class item_stage_parts {
public:
    virtual ~item_stage_parts() = default;
    virtual Stage<In, Out> stage(dead_letter_handler<In> dead_letter) const = 0;

    /// Errors: `std::invalid_argument` for an empty handler, and as check_whole().
    shared_code code_with(dead_letter_handler<In> handler, const std::optional<std::string>& name) const {
        check_whole("dead_letter", name);
        if (!handler)
            throw std::invalid_argument("parallelpipe: the dead-letter handler" + of_stage(name) +
                                        " is empty: pass a function");
        return stage(std::move(handler)).entry().code;
    }

    /// Errors: `std::invalid_argument` for the setting `what` if an item is gone after the function was called with it.
    void check_whole(const std::string& what, const std::optional<std::string>& name) const {
        if (!keeps_whole()) detail::throw_not_whole(what, of_stage(name));
    }

private:
    /// Whether an item is still there after the function was called with it.
    virtual bool keeps_whole() const noexcept = 0;

    static std::string of_stage(const std::optional<std::string>& name) {
        return name ? " of stage \"" + *name + '"' : "";
    }
};

template <class Handler, class In>
constexpr bool check_handler() {
    constexpr bool fits = std::invocable<Handler&, std::exception_ptr, In&>;
    static_assert(fits, "parallelpipe: a dead-letter handler is called with the error and the item; write "
                        "[](std::exception_ptr error, In& item) { ... }");
    constexpr bool copyable = std::copy_constructible<Handler>;
    static_assert(copyable, "parallelpipe: every worker gets its own copy of the dead-letter handler, and this one "
                            "cannot be copied; capture a std::shared_ptr or a pointer instead");
    return fits && copyable;
}

}  // namespace parallelpipe::detail

#endif
