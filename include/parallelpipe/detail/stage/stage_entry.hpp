// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STAGE_ENTRY_HPP
#define PARALLELPIPE_DETAIL_STAGE_STAGE_ENTRY_HPP

// One stage of a pipeline, and what can be said of a chain of them before it runs.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel_base.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/keyed/key_router.hpp>
#include <parallelpipe/detail/stage/shared_range.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/setup.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// Makes a worker's reader of the channel `from`. This function knows the item types of both stages; no other does.
using connector = owning_ptr<item_reader_base> (*)(channel_base& from, std::size_t readers);

/// The same for stages in one thread. Null where both types are the same.
using converter = owning_ptr<item_reader_base> (*)(item_reader_base& from);

/// The default name of a stage, before its position: `batch_2`. A ready-made stage specializes it for its function.
template <class Function>
inline constexpr const char* kind_of = "stage";

struct stage_entry {
    shared_code code;
    Setup setup;
    std::shared_ptr<const key_router_maker> partition;  // null: any worker takes any item
    shared_code range;                  // what the workers read themselves; null: a channel, or nothing
    Setup range_setup;                  // the settings of `range`
    range_opener open_range = nullptr;  // set where there is a range
    connector connect = nullptr;        // set where a stage stands on the left
    converter convert = nullptr;
    const char* kind = "stage";  // the default name
    bool is_range = false;       // the range on the left: named `source`, and has no position
    bool per_item = false;       // calls its function for each item: one item can fail alone
    bool yields_views = false;   // of memory that another object owns
    bool views_items = false;    // the memory may be that of its items
    bool keeps_items = false;    // holds several items at a time; they must not be views of earlier items

    std::string name(std::size_t position) const {
        if (setup.name) return *setup.name;
        return is_range ? "source" : std::string(kind) + '_' + std::to_string(position);
    }
    std::size_t workers() const { return setup.workers.value_or(1); }
    /// As stage_code::begin_run.
    void begin_run() const {
        if (range) range->begin_run();
        code->begin_run();
    }
};

/// The names of a chain's stages, in order.
inline std::vector<std::string> names_of(std::span<const stage_entry> stages) {
    std::vector<std::string> names;
    names.reserve(stages.size());
    std::size_t position = 0;
    for (const stage_entry& stage : stages)
        names.push_back(stage.name(stage.is_range ? 0 : position++));
    return names;
}

/// Whether a fused stage of `stages` may yield views of an item that it has read, or one of them keeps views of items
/// that have died.
inline bool views_items(std::span<const stage_entry> stages) {
    bool views_item = false;
    for (const stage_entry& stage : stages) {
        if (views_item && stage.keeps_items) return true;
        views_item = stage.views_items || (views_item && stage.yields_views);
    }
    return views_item;
}

/// Before a run. Errors: `std::logic_error` if a stage may yield views of its items, which die before the next stage
/// or the consumer reads the views.
inline void refuse_views_of_items(std::span<const stage_entry> stages) {
    for (std::size_t i = 0; i < stages.size(); ++i)
        if (stages[i].views_items)
            throw std::logic_error(
                "parallelpipe: stage \"" + names_of(stages)[i] +
                "\" yields views, such as a std::string_view or a span, and its items own their memory, so a view "
                "would outlive its item; yield a std::string, or another type that owns its memory; or fuse the stage "
                "with the one that reads the views, fuse(a | b); or, if the views are of literals, mapped files or "
                "other memory that outlives the run, yield a Lasting<std::string_view>");
}

/// `source | fetch(x4) | get_titles(x2)`
inline std::string to_string(std::span<const stage_entry> stages) {
    const std::vector<std::string> names = names_of(stages);
    std::string text;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        if (i != 0) text += " | ";
        text += names[i];
        if (!stages[i].is_range) text += "(x" + std::to_string(stages[i].workers()) + ')';
    }
    return text;
}

}  // namespace parallelpipe::detail

#endif
