// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_ITEM_STAGE_HPP
#define PARALLELPIPE_ITEM_STAGE_HPP

// Stages that call a function once for each item. One item can fail alone, so that it can be skipped, tried again
// or handed to a dead-letter handler.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/item/item_stage_maker.hpp>
#include <parallelpipe/detail/item/item_stage_parts.hpp>
#include <parallelpipe/fluent_settings.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>

#include <memory>
#include <utility>

namespace parallelpipe::inline v0 {

/// A stage that calls its function once for each item: what `map_stage`, `filter`, `flat_map`, `for_each` and `tap`
/// make.
/// Shape: a Stage<In, Out>, and can be kept as one; `on_error` may be OnError::skip, `retry` may be set, and it can
///   have a dead-letter handler. An item that failed is tried again as `retry` says; after that the handler gets
///   it if there is one, else it is dropped if `on_error` is OnError::skip, else the exception leaves the stage.
///   An item that is tried again or handed over goes to the function as an lvalue, or as a copy if the function
///   takes it by value.
template <class In, class Out>
class PARALLELPIPE_RUN_IT ItemStage : public Stage<In, Out>, public fluent_settings<ItemStage<In, Out>> {
public:
    using fluent_settings<ItemStage>::setup;
    using fluent_settings<ItemStage>::partition_by;
    using fluent_settings<ItemStage>::dead_letter;

    /// A stage whose function has no parameters left, called: a copy.
    ItemStage operator()() const { return *this; }

    /// For the library.
    explicit ItemStage(std::shared_ptr<const detail::item_stage_parts<In, Out>> parts)
        : Stage<In, Out>(parts->stage({})), parts_(std::move(parts)) {
        this->entry_.per_item = true;
    }

protected:
    friend fluent_settings<ItemStage>;
    void set(Setup changes) {
        if (changes.retry && changes.retry->times != 0)
            parts_->check_whole("retry", changes.name ? changes.name : this->entry_.setup.name);
        Stage<In, Out>::set(std::move(changes));
    }
    template <class Handler>
    void set_handler(Handler handler) {
        if constexpr (detail::check_handler<Handler, In>())
            this->entry_.code = parts_->code_with(std::move(handler), this->entry_.setup.name);
    }

private:
    std::shared_ptr<const detail::item_stage_parts<In, Out>> parts_;
};

}  // namespace parallelpipe

#endif
