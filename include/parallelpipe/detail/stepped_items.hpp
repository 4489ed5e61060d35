#ifndef PARALLELPIPE_DETAIL_STEPPED_ITEMS_HPP
#define PARALLELPIPE_DETAIL_STEPPED_ITEMS_HPP

#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/input.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace parallelpipe::detail {

/// What becomes of items one by one, as a single-pass range. `step(item, emit)` calls `emit(Out&&)` once
/// or not at all, and returns false if that does, else true.
template <class In, class Out, class Step>
class stepped_items {
public:
    stepped_items(Input<In> items, Step step) : items_(std::move(items)), step_(std::move(step)) {}

    /// To the end, as long as `to.push(Out&&)` is true.
    template <class To>
    PARALLELPIPE_INLINE void push_all(To& to) {
        items_.source().each(stepping<To>{step_, {to}});
    }

    /// For one item that came another way.
    template <class Emit>
    PARALLELPIPE_INLINE bool step(In& item, const Emit& emit) {
        return step_(item, emit);
    }
    const Step& step() const noexcept { return step_; }

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Out;
        using difference_type = std::ptrdiff_t;

        explicit iterator(stepped_items& all) : all_(&all) {}

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

        stepped_items* all_;
    };

    iterator begin() {
        items_.begin();
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    // Not lambdas, which a compiler may leave as functions of their own in a loop that it finds long.
    template <class To>
    struct pushing {
        To& to;
        PARALLELPIPE_INLINE bool operator()(Out&& result) const {
            return to.push(std::move(result));
        }
    };
    template <class To>
    struct stepping {
        Step& step;
        pushing<To> push;
        PARALLELPIPE_INLINE bool operator()(In& item) const { return step(item, push); }
    };

    bool at_end() {
        feed<In>& items = items_.source();
        const auto keep = [this](Out&& result) {
            result_.emplace(std::move(result));
            return true;
        };
        for (; !result_ && !items.at_end(); items.next()) {
            step_(items.item(), keep);
            if (result_) break;
        }
        return !result_;
    }

    Input<In> items_;
    Step step_;
    std::optional<Out> result_;  // of the item in hand
};

template <class>
inline constexpr bool is_stepped = false;
template <class In, class Out, class Step>
inline constexpr bool is_stepped<stepped_items<In, Out, Step>> = true;

}  // namespace parallelpipe::detail

#endif
