// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_ITEM_ITEM_FUNCTION_HPP
#define PARALLELPIPE_DETAIL_ITEM_ITEM_FUNCTION_HPP

// The bases of the stage functions that call a function of the user once for each item: how they call it, and the
// policy for an item whose call fails.

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/item/call_item.hpp>
#include <parallelpipe/detail/item/item_policy.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/input.hpp>

#include <utility>

namespace parallelpipe::inline v0::detail {

/// The base of all of them: F and the dead-letter handler.
template <class F, class In>
class item_function {
public:
    item_function(F f, dead_letter_handler<In> dead_letter)
        : f_(std::move(f)), dead_letter_(std::move(dead_letter)) {}

protected:
    /// In the worker, before its first item.
    /// Errors: what with_state's function throws that makes the state.
    item_policy<In> worker_begins() {
        detail::make_state_of(f_);
        return item_policy<In>(dead_letter_);
    }

    /// f(item, arguments...), for an item that is not needed after the call.
    template <class... Arguments>
    decltype(auto) hand_last(In& item, Arguments&... arguments) {
        if constexpr (last_handing<F, In, Arguments...> == handing::rvalue)
            return call_item{}(f_, std::move(item), arguments...);
        else
            return call_item{}(f_, item, arguments...);
    }

    /// `use(call)`, where call() is f(item, arguments...) for an item that has to stay whole. The result of call() may
    /// refer to a copy of the item, which lives until `use` returns.
    template <class Use, class... Arguments>
    decltype(auto) hand_whole(Use use, In& item, Arguments&... arguments) {
        constexpr handing how = whole_handing<F, In, Arguments...>;
        if constexpr (how == handing::impossible) {
            // ItemStage::setup refuses `retry` for such an F; Stage::setup of a copy that is kept as a Stage does not.
            throw_not_whole("retry", "");
            return use([&]() -> decltype(auto) { return hand_last(item, arguments...); });
        } else if constexpr (how == handing::copy) {
            In copy(std::as_const(item));
            return use([&]() -> decltype(auto) { return call_item{}(f_, std::move(copy), arguments...); });
        } else {
            return use([&]() -> decltype(auto) { return call_item{}(f_, item, arguments...); });
        }
    }

    F f_;

private:
    dead_letter_handler<In> dead_letter_;
};

/// For an F that consumes the item.
template <class F, class In>
class consuming_function : protected item_function<F, In> {
public:
    using item_function<F, In>::item_function;

    static constexpr bool knows_its_arguments = true;  // see kept_arguments

    template <class... Arguments>
    static constexpr bool keeps_whole =
        whole_handing<F, In, Arguments...> != handing::impossible;
};

template <class F, class In, class... Arguments>
concept consumes_item = calls_item<F, In, Arguments...> || calls_item<F, In&, Arguments...>;

/// The base of all kernels: applies the policy to an item. `Kernel` has `plainly(item, emit)`, where every failure is
/// an error of the stage, and `attempt(item)`, whose result is true if the item has a result:
/// `emit_attempted(item, result of attempt, emit)` emits that. (attempt() does not emit itself, as it is kept
/// out of the loop over the items: the compiler would have to put `emit` into memory for the call.)
template <class In, class Kernel>
class item_kernel {
public:
    /// Whether a failure may end in anything but an error of the stage.
    bool is_active() const noexcept { return is_active_; }

    template <class Emit>
    PARALLELPIPE_INLINE bool operator()(In& item, const Emit& emit) const {
        const Kernel& self = static_cast<const Kernel&>(*this);
        if (!is_active_) [[likely]]
            return self.plainly(item, emit);
        auto attempted = self.attempt(item);
        return !attempted || Kernel::emit_attempted(item, std::move(attempted), emit);
    }

protected:
    explicit item_kernel(item_policy<In> policy) : policy_(policy), is_active_(policy.is_active()) {}

    item_policy<In> policy_;

private:
    bool is_active_;
};

/// The items for which `look(item)` is true.
template <class In, class Look>
class looking_kernel : public item_kernel<In, looking_kernel<In, Look>> {
public:
    looking_kernel(item_policy<In> policy, Look look)
        : item_kernel<In, looking_kernel>(policy), look_(std::move(look)) {}

    template <class Emit>
    PARALLELPIPE_INLINE bool plainly(In& item, const Emit& emit) const {
        return !this->policy_.once([&] { return look_(item); }) || emit(std::move(item));
    }
    PARALLELPIPE_RARE bool attempt(In& item) const {
        bool passes = true;
        return this->policy_.attempt(item, [&] { passes = look_(item); }) && passes;
    }
    template <class Emit>
    PARALLELPIPE_INLINE static bool emit_attempted(In& item, bool, const Emit& emit) {
        return emit(std::move(item));
    }

private:
    Look look_;
};

/// For an F that only reads the item; the item itself is the result.
template <class F, class In>
class looking_function : protected item_function<F, In> {
public:
    using item_function<F, In>::item_function;

    static constexpr bool knows_its_arguments = true;

    template <class...>
    static constexpr bool keeps_whole = true;

protected:
    /// The items for which `look(item)` is true.
    template <class Look>
    auto kernel_over(Input<In> items, Look look) {
        using kernel = looking_kernel<In, Look>;
        return kernel_range<In, In, kernel>(std::move(items), kernel(this->worker_begins(), std::move(look)));
    }
};

}  // namespace parallelpipe::detail

#endif
