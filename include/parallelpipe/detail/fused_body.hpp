#ifndef PARALLELPIPE_DETAIL_FUSED_BODY_HPP
#define PARALLELPIPE_DETAIL_FUSED_BODY_HPP

#include <parallelpipe/detail/nested.hpp>
#include <parallelpipe/detail/stage_body.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/this_worker.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// One worker of a fused stage: the stages inside it, one worker each.
class fused_chain final : public nested_owner {
public:
    fused_chain(std::span<const stage_entry> stages, feed_base* in) {
        const worker_identity here = current_worker ? *current_worker : worker_identity();
        const std::string prefix(here.stage);
        std::size_t position = 0;
        for (const stage_entry& entry : stages) {
            std::string name = entry.name(position++);
            if (!entry.setup.name) name = prefix + '.' + name;
            nested_stage& stage = chain_.add(
                std::make_unique<nested_stage>(*this, entry, std::move(name), here.index, 1), in, true);
            stage.identity().stop = here.stop;
            stage.identity().group = here.group;
            stage.identity().counters = here.counters;
        }
    }

    nested_stage& last() const noexcept { return chain_.last(); }

    /// Throws what a stage inside threw.
    void rethrow() {
        if (failure_) throw inner_failure(*failure_);
    }

    bool is_stopped() const noexcept override { return failure_.has_value(); }
    bool failed(const nested_stage& at, std::exception_ptr cause) override {
        if (!failure_) failure_ = innermost(at, std::move(cause));
        return false;
    }
    void ended() override {}

    /// The stage that threw `cause`, which may be inside `at`.
    static inner_failure innermost(const nested_stage& at, std::exception_ptr cause) {
        try {
            std::rethrow_exception(cause);
        } catch (const inner_failure& inner) {
            return inner;
        } catch (...) {
            return {at.name(), std::move(cause)};
        }
    }

private:
    std::optional<inner_failure> failure_;
    nested_chain chain_;
};

/// What `fuse` makes of several stages.
template <class Out>
class fused_body final : public typed_stage_body<Out> {
public:
    explicit fused_body(std::vector<stage_entry> stages) : stages_(std::move(stages)) {}

    void begin_run() const override {
        for (const stage_entry& stage : stages_) stage.body->begin_run();
    }

    void run(feed_base* in, output out) const override {
        fused_chain chain(stages_, in);
        try {
            if constexpr (std::is_void_v<Out>)
                chain.last().consume();
            else
                this->deliver(static_cast<feed<Out>&>(*chain.last().out()), in, out);
        } catch (const stop_unwind&) {
            chain.rethrow();
            throw;
        }
        chain.rethrow();
    }

    std::unique_ptr<nested_call> call(feed_base* in) const override {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return std::unique_ptr<nested_call>(new pulled_chain(stages_, in));
    }

private:
    /// A fused stage inside another.
    class pulled_chain final : public nested_call {
    public:
        pulled_chain(std::span<const stage_entry> stages, feed_base* in) : chain_(stages, in) {}

        bool next(void* to) override {
            auto& from = static_cast<feed<Out>&>(*chain_.last().out());
            try {
                if (std::exchange(in_hand_, false)) from.next();
                if (!from.at_end()) {
                    std::construct_at(static_cast<Out*>(to), std::move(from.item()));
                    in_hand_ = true;
                    return true;
                }
            } catch (const stop_unwind&) {
                chain_.rethrow();
                throw;
            }
            chain_.rethrow();
            return false;
        }

    private:
        fused_chain chain_;
        bool in_hand_ = false;
    };

    const std::vector<stage_entry> stages_;
};

}  // namespace parallelpipe::detail

#endif
