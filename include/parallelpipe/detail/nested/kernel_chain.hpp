// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_KERNEL_CHAIN_HPP
#define PARALLELPIPE_DETAIL_NESTED_KERNEL_CHAIN_HPP

// Per-item stages whose types are known, compiled as one function: no call remains between them.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/nested/fused_stage.hpp>
#include <parallelpipe/detail/stage/function_stage.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/input.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// Thrown after the last kernel, where its results go: an error of no kernel.
struct PARALLELPIPE_VISIBLE after_the_kernels {
    std::exception_ptr cause;
};

/// A worker's own copy of a chain of kernels. Each Code is a function_stage whose function makes a kernel_range, and
/// reads the results of the Code before it.
template <class Code, class... More>
class kernel_chain {
public:
    kernel_chain(const stage_entry* stages, const inner_worker* workers)
        : first_(static_cast<const Code&>(*stages->code), workers->identity),
          more_(stages + 1, workers + 1) {}

    /// Whether no kernel retries, skips or hands on items that fail.
    bool is_plain() const noexcept { return !first_.kernel().is_active() && more_.is_plain(); }

    /// Hands the results of the last kernel to `emit`. Returns: whether `emit` wants more.
    template <bool Plain, class Emit>
    PARALLELPIPE_INLINE bool take(typename Code::input_item& item, const Emit& emit) {
        // The caller of the first kernel restores the identity.
        current_worker = &first_.identity();
        try {
            const onward<Plain, Emit> next{more_, emit};
            if constexpr (Plain)
                return first_.kernel().plainly(item, next);
            else
                return first_(item, next);
        } catch (const stop_unwind&) {
            throw;
        } catch (const after_the_kernels&) {
            throw;
        } catch (...) {
            throw inner_failure_of(first_.identity());
        }
    }

private:
    /// The end of the chain.
    template <class... None>
    class rest {
    public:
        rest(const stage_entry*, const inner_worker*) {}

        bool is_plain() const noexcept { return true; }

        template <bool, class Emit>
        PARALLELPIPE_INLINE bool take(typename Code::result_item& result, const Emit& emit) {
            try {
                return emit(std::move(result));
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                throw after_the_kernels{std::current_exception()};
            }
        }
    };
    template <class Next, class... Others>
    class rest<Next, Others...> : public kernel_chain<Next, Others...> {
    public:
        using kernel_chain<Next, Others...>::kernel_chain;
    };

    /// Hands a result of the first kernel to the next one.
    template <bool Plain, class Emit>
    struct onward {
        rest<More...>& more;
        const Emit& emit;

        PARALLELPIPE_INLINE bool operator()(typename Code::result_item&& result) const {
            return more.template take<Plain>(result, emit);
        }
    };

    typename Code::kernel_runner first_;
    [[no_unique_address]] rest<More...> more_;
};

template <class First, class... More>
struct last_result : last_result<More...> {};
template <class Last>
struct last_result<Last> {
    using type = typename Last::result_item;
};

/// The stage function of a fused stage that consists of Codes.
template <class... Codes>
class composed_function {
    using In = typename std::tuple_element_t<0, std::tuple<Codes...>>::input_item;
    using Out = typename last_result<Codes...>::type;

    /// The kernel of the fused stage's own kernel_range.
    class kernel {
    public:
        explicit kernel(std::span<const stage_entry> stages)
            : workers_(inner_workers(stages)),
              chain_(new kernel_chain<Codes...>(stages.data(), workers_.data())),
              is_plain_(chain_->is_plain()) {}

        template <class Emit>
        PARALLELPIPE_INLINE bool operator()(In& item, const Emit& emit) const {
            const worker_scope scope(workers_.front().identity);
            try {
                if (is_plain_) [[likely]]
                    return chain_->template take<true>(item, emit);
            } catch (const after_the_kernels& end) {
                std::rethrow_exception(end.cause);
            }
            std::optional<Out> result = attempt(item);
            return !result || emit(*std::move(result));
        }

    private:
        PARALLELPIPE_RARE std::optional<Out> attempt(In& item) const {
            std::optional<Out> result;
            try {
                chain_->template take<false>(item, [&result](Out&& last) {
                    result.emplace(std::move(last));
                    return true;
                });
            } catch (const after_the_kernels& end) {
                std::rethrow_exception(end.cause);
            }
            return result;
        }

        std::vector<inner_worker> workers_;  // chain_ refers to the names; moving the vector keeps them in place
        owning_ptr<kernel_chain<Codes...>> chain_;
        bool is_plain_;
    };

public:
    explicit composed_function(std::shared_ptr<const std::vector<stage_entry>> stages)
        : stages_(std::move(stages)) {}

    auto operator()(Input<In> items) const {
        return kernel_range<In, Out, kernel>(std::move(items), kernel(*stages_));
    }

    /// Whether `stages` run the Codes.
    static bool fits(std::span<const stage_entry> stages) {
        if (stages.size() != sizeof...(Codes)) return false;
        std::size_t i = 0;
        return (is_a<Codes>(*stages[i++].code) && ...);
    }
    static shared_code make_code(std::vector<stage_entry> stages) {
        return detail::make_code<function_stage<In, Out, composed_function>>(
            composed_function(std::make_shared<const std::vector<stage_entry>>(std::move(stages))));
    }

private:
    template <class Code>
    static bool is_a(const stage_code& code) {
        return typeid(code) == typeid(Code);
    }

    std::shared_ptr<const std::vector<stage_entry>> stages_;
};

}  // namespace parallelpipe::detail

#endif
