// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_ITEM_TYPE_HPP
#define PARALLELPIPE_DETAIL_STAGE_ITEM_TYPE_HPP

// Makes the parts of a run that depend only on the type of a stage's results.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_reader.hpp>
#include <parallelpipe/detail/input/nested_source.hpp>
#include <parallelpipe/detail/ordered/reorder_buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>

namespace parallelpipe::inline v0::detail {

/// A type of results, erased. Each function returns null for a sink, whose result type is void.
struct item_type {
    /// The queue for a stage's results.
    owning_ptr<channel_base> (*make_channel)(std::optional<std::size_t> qsize, std::size_t producers,
                                              std::size_t consumers);
    /// Puts the results of `workers` workers in order on their way into `out`, a channel that make_channel made.
    owning_ptr<sequencer> (*make_sequencer)(channel_base& out, std::size_t workers);
    /// Reads the results of `from` in the same thread.
    owning_ptr<item_reader_base> (*make_nested_reader)(nested_source& from);
};

/// Bounds the memory of waiting items: about 64 KiB, but room for at least 16.
template <class Item>
inline constexpr std::size_t default_qsize =
    std::clamp<std::size_t>(std::size_t{65536} / sizeof(Item), 16, 1024);

template <class Item>
struct item_type_functions {
    static owning_ptr<channel_base> make_channel(std::optional<std::size_t> qsize, std::size_t producers,
                                                  std::size_t consumers) {
        if constexpr (std::is_void_v<Item>)
            return nullptr;
        else
            return owning_ptr<channel_base>(
                new item_channel<Item>(qsize.value_or(default_qsize<Item>), producers, consumers));
    }
    static owning_ptr<sequencer> make_sequencer(channel_base& out, std::size_t workers) {
        if constexpr (std::is_void_v<Item>)
            return nullptr;
        else
            return owning_ptr<sequencer>(new reorder_buffer<Item>(static_cast<item_channel<Item>&>(out), workers));
    }
    static owning_ptr<item_reader_base> make_nested_reader(nested_source& from) {
        if constexpr (std::is_void_v<Item>)
            return nullptr;
        else
            return owning_ptr<item_reader_base>(new nested_reader<Item>(from));
    }
};

template <class Item>
inline constexpr item_type item_type_of{&item_type_functions<Item>::make_channel,
                                        &item_type_functions<Item>::make_sequencer,
                                        &item_type_functions<Item>::make_nested_reader};

}  // namespace parallelpipe::detail

#endif
