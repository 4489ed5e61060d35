// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_ITEM_KERNEL_HPP
#define PARALLELPIPE_DETAIL_STAGE_ITEM_KERNEL_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/input.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// The results of a kernel, a function called for each item, as a single-pass range.
/// Shape: `kernel(item, emit)` calls `emit(Out&&)` at most once, and returns what `emit` returns, or else true.
template <class In, class Out, class Kernel>
class kernel_range {
public:
    kernel_range(Input<In> items, Kernel kernel) : items_(std::move(items)), kernel_(std::move(kernel)) {}

    /// Until the items end or `to.push(Out&&)` returns false.
    template <class To>
    PARALLELPIPE_INLINE void push_all(To& to) {
        items_.source().each(stepping<To>{kernel_, {to}});
    }

    /// Calls the kernel for an item that does not come from the Input.
    template <class Emit>
    PARALLELPIPE_INLINE bool run(In& item, const Emit& emit) {
        return kernel_(item, emit);
    }
    const Kernel& kernel() const noexcept { return kernel_; }

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Out;
        using difference_type = std::ptrdiff_t;

        explicit iterator(kernel_range& all) : all_(&all) {}

        Out&& operator*() const { return std::move(*all_->result_); }
        iterator& operator++() {
            all_->result_.reset();
            all_->items_.source().next();
            return *this;
        }
        void operator++(int) { ++*this; }

        friend bool operator==(const iterator& it, std::default_sentinel_t) {
            return it.is_at_end();
        }

    private:
        bool is_at_end() const { return all_->at_end(); }

        kernel_range* all_;
    };

    iterator begin() {
        items_.begin();
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    // Classes with inlined operators: in a long loop, compilers leave lambdas as functions of their own.
    template <class To>
    struct pushing {
        To& to;
        PARALLELPIPE_INLINE bool operator()(Out&& result) const {
            return to.push(std::move(result));
        }
    };
    template <class To>
    struct stepping {
        Kernel& kernel;
        pushing<To> push;
        PARALLELPIPE_INLINE bool operator()(In& item) const { return kernel(item, push); }
    };

    bool at_end() {
        item_reader<In>& items = items_.source();
        const auto keep = [this](Out&& result) {
            result_.emplace(std::move(result));
            return true;
        };
        for (; !result_ && !items.at_end(); items.next()) {
            kernel_(items.item(), keep);
            if (result_) break;
        }
        return !result_;
    }

    Input<In> items_;
    Kernel kernel_;
    std::optional<Out> result_;  // of the item in hand
};

template <class>
inline constexpr bool has_kernel = false;
template <class In, class Out, class Kernel>
inline constexpr bool has_kernel<kernel_range<In, Out, Kernel>> = true;

}  // namespace parallelpipe::detail

#endif
