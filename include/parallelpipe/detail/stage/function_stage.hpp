// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_FUNCTION_STAGE_HPP
#define PARALLELPIPE_DETAIL_STAGE_FUNCTION_STAGE_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/delivery.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/input.hpp>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// A stage function and its bound arguments.
template <class In, class Out, class F, class... Bound>
class function_stage final : public stage_code {
    using result_range = stage_result_t<F, In, Bound...>;

    /// Each worker has its own.
    struct copies {
        std::tuple<Bound...> bound;
        F function;

        decltype(auto) call(input_of_t<In>& input) {
            // g++ 12 warns of a virtual call that a pointer to a member of a small class cannot make;
            // one volatile read per worker hides the object from that check.
            copies* volatile unknown = this;
            return detail::call_stage(unknown->function, input, unknown->bound);
        }
    };

public:
    using input_item = In;
    using result_item = Out;

    /// A worker's copy of the function, for items that come one by one. Only if has_kernel().
    class kernel_runner {
    public:
        kernel_runner(const function_stage& of, const worker_identity& identity)
            : identity_(identity), here_(of.own_), range_(call()) {}
        kernel_runner(const kernel_runner&) = delete;
        kernel_runner& operator=(const kernel_runner&) = delete;
        ~kernel_runner() { at_end_.emplace(identity_); }

        template <class Emit>
        PARALLELPIPE_INLINE bool operator()(In& item, const Emit& emit) {
            return range_.run(item, emit);
        }
        const auto& kernel() const noexcept { return range_.kernel(); }
        const worker_identity& identity() const noexcept { return identity_; }

    private:
        result_range call() {
            const worker_scope scope(identity_);
            try {
                input_of_t<In> none(no_items{});
                return here_.call(none);
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                throw inner_failure_of(identity_);
            }
        }

        const worker_identity identity_;
        std::optional<worker_scope> at_end_;  // while the next members die: their destructors may ask this_worker
        copies here_;
        result_range range_;
    };

    template <class Function, class... Arguments>
    explicit function_stage(Function&& function, Arguments&&... arguments)
        : stage_code(item_type_of<Out>),
          own_{std::tuple<Bound...>(std::forward<Arguments>(arguments)...),
               F(std::forward<Function>(function))} {}

    void run(item_reader_base* in, output out) const override {
        // The call may return a coroutine that refers to the copies and to the input, so deliver() destroys it first.
        copies here(own_);
        auto input = input_from(in);
        if constexpr (std::is_void_v<Out>) {
            here.call(input);
        } else {
            detail::deliver<Out>([&] { return here.call(input); }, in, out);
        }
    }

    owning_ptr<nested_call> call(item_reader_base* in) const override {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<nested_call>(new pulled_call(own_, in));
    }

    bool has_kernel() const noexcept override { return detail::has_kernel<result_range>; }
    owning_ptr<item_sink> make_kernel([[maybe_unused]] item_sink& next,
                                      [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (detail::has_kernel<result_range>)
            return owning_ptr<item_sink>(new kernel(*this, next, identity));
        else
            return nullptr;
    }
    void run_into([[maybe_unused]] item_reader_base* in, [[maybe_unused]] item_sink& first,
                  [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (!std::is_void_v<Out>) {
            const worker_scope scope(identity);
            sink_output<Out> to(first);
            try {
                copies here(own_);
                auto input = input_from(in);
                auto range = here.call(input);
                detail::push_all<Out>(range, to);
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                if (to.is_pushing()) throw;
                throw inner_failure_of(identity);
            }
        }
    }

private:
    static input_of_t<In> input_from([[maybe_unused]] item_reader_base* in) {
        if constexpr (std::is_void_v<In>) {
            return {};
        } else {
            if constexpr (reads_without_unwinding<F, In, Bound...>) in->end_quietly();
            return Input<In>(static_cast<item_reader<In>&>(*in));
        }
    }

    class pulled_call final : public nested_call {
    public:
        pulled_call(const copies& own, item_reader_base* in)
            : here_(own), input_(input_from(in)), range_(here_.call(input_)), pulled_(range_) {}

        bool next(void* to) override { return pulled_.next(to); }

    private:
        copies here_;
        input_of_t<In> input_;
        result_range range_;
        pulled_range<result_range, Out> pulled_;
    };

    class kernel final : public item_sink {
    public:
        kernel(const function_stage& of, item_sink& next, const worker_identity& identity)
            : runner_(of, identity), next_(next) {}

        bool take(void* item) override {
            const worker_scope scope(runner_.identity());
            sink_output<Out> to(next_);
            try {
                return runner_(*static_cast<In*>(item),
                               [&](Out&& result) { return to.push(std::move(result)); });
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                if (to.is_pushing()) throw;
                throw inner_failure_of(runner_.identity());
            }
        }

    private:
        kernel_runner runner_;
        item_sink& next_;
    };

    const copies own_;
};

}  // namespace parallelpipe::detail

#endif
