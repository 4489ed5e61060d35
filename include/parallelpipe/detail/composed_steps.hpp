#ifndef PARALLELPIPE_DETAIL_COMPOSED_STEPS_HPP
#define PARALLELPIPE_DETAIL_COMPOSED_STEPS_HPP

// Per-item stages whose types are known, as one function: nothing is left of the ways between them when it
// has been compiled.

#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/detail/fused_body.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/stage_body.hpp>
#include <parallelpipe/detail/stepped_items.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/this_worker.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// What was thrown where the results of the last step go: no step's fault.
struct behind_the_steps {
    std::exception_ptr cause;
};

/// A worker's own of a chain of steps. `Body` is a function_body whose step is an item_step; each but the
/// last yields what the next one reads.
template <class Body, class... More>
class step_chain {
public:
    step_chain(const stage_entry* stages, const inner_worker* workers)
        : first_(static_cast<const Body&>(*stages->body), workers->identity),
          more_(stages + 1, workers + 1) {}

    /// Whether every failure is an error of the stage.
    bool is_plain() const noexcept { return !first_.step().is_active() && more_.is_plain(); }

    /// Hands the results of the last step to `emit`; returns whether more are wanted.
    template <bool Plain, class Emit>
    PARALLELPIPE_INLINE bool take(typename Body::input_item& item, const Emit& emit) {
        // The identity of the worker is put back by whoever began with the first step.
        current_worker = &first_.identity();
        try {
            const onward<Plain, Emit> next{more_, emit};
            if constexpr (Plain)
                return first_.step().plainly(item, next);
            else
                return first_(item, next);
        } catch (const stop_unwind&) {
            throw;
        } catch (const behind_the_steps&) {
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
        PARALLELPIPE_INLINE bool take(typename Body::result_item& result, const Emit& emit) {
            try {
                return emit(std::move(result));
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                throw behind_the_steps{std::current_exception()};
            }
        }
    };
    template <class Next, class... Others>
    class rest<Next, Others...> : public step_chain<Next, Others...> {
    public:
        using step_chain<Next, Others...>::step_chain;
    };

    /// A result of the first step goes to the next one.
    template <bool Plain, class Emit>
    struct onward {
        rest<More...>& more;
        const Emit& emit;

        PARALLELPIPE_INLINE bool operator()(typename Body::result_item&& result) const {
            return more.template take<Plain>(result, emit);
        }
    };

    typename Body::stepper first_;
    [[no_unique_address]] rest<More...> more_;
};

template <class First, class... More>
struct last_result : last_result<More...> {};
template <class Last>
struct last_result<Last> {
    using type = typename Last::result_item;
};

/// The stage function of a fused stage that is made of such bodies.
template <class... Bodies>
class composed_function {
    using In = typename std::tuple_element_t<0, std::tuple<Bodies...>>::input_item;
    using Out = typename last_result<Bodies...>::type;

    /// What stepped_items calls.
    class step {
    public:
        explicit step(std::span<const stage_entry> stages)
            : workers_(inner_workers(stages)),
              chain_(new step_chain<Bodies...>(stages.data(), workers_.data())),
              is_plain_(chain_->is_plain()) {}

        template <class Emit>
        PARALLELPIPE_INLINE bool operator()(In& item, const Emit& emit) const {
            const worker_scope scope(workers_.front().identity);
            try {
                if (is_plain_) [[likely]]
                    return chain_->template take<true>(item, emit);
            } catch (const behind_the_steps& end) {
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
            } catch (const behind_the_steps& end) {
                std::rethrow_exception(end.cause);
            }
            return result;
        }

        std::vector<inner_worker> workers_;  // their names are referred to: moving the vector keeps them
        owned<step_chain<Bodies...>> chain_;
        bool is_plain_;
    };

public:
    explicit composed_function(std::shared_ptr<const std::vector<stage_entry>> stages)
        : stages_(std::move(stages)) {}

    auto operator()(Input<In> items) const {
        return stepped_items<In, Out, step>(std::move(items), step(*stages_));
    }

    /// Whether `stages` are what the types say.
    static bool fits(std::span<const stage_entry> stages) {
        if (stages.size() != sizeof...(Bodies)) return false;
        std::size_t i = 0;
        return (is_a<Bodies>(*stages[i++].body) && ...);
    }
    static stage_body make_body(std::vector<stage_entry> stages) {
        return detail::make_body<function_body<In, Out, composed_function>>(
            composed_function(std::make_shared<const std::vector<stage_entry>>(std::move(stages))));
    }

private:
    template <class Body>
    static bool is_a(const stage_body_base& body) {
        return typeid(body) == typeid(Body);
    }

    std::shared_ptr<const std::vector<stage_entry>> stages_;
};

}  // namespace parallelpipe::detail

#endif
