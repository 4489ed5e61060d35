#ifndef PARALLELPIPE_DETAIL_FUSED_BODY_HPP
#define PARALLELPIPE_DETAIL_FUSED_BODY_HPP

#include <parallelpipe/detail/nested.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/stage_body.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/this_worker.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// What a worker of a fused stage is in a stage inside.
struct inner_worker {
    std::string name;
    worker_identity identity;
};
template <class...>
std::vector<inner_worker> inner_workers(std::span<const stage_entry> stages) {
    const worker_identity here = current_worker ? *current_worker : worker_identity();
    std::vector<inner_worker> inner;
    inner.reserve(stages.size());
    for (const stage_entry& stage : stages) {
        std::string name = stage.name(inner.size());
        if (!stage.setup.name) name = std::string(here.stage) + '.' + name;
        inner.push_back({std::move(name), here});
        inner.back().identity.stage = inner.back().name;
        inner.back().identity.setup = &stage.setup;
    }
    return inner;
}

/// One worker of a fused stage: the stages inside it, one worker each.
class fused_chain final : public nested_owner {
public:
    fused_chain(std::span<const stage_entry> stages, feed_base* in) {
        const std::vector<inner_worker> workers = inner_workers(stages);
        for (std::size_t i = 0; i < stages.size(); ++i) {
            const worker_identity& identity = workers[i].identity;
            nested_stage& stage = chain_.add(
                owned(new nested_stage(*this, stages[i], workers[i].name, identity.index, 1)), in,
                true);
            stage.identity().counters = identity.counters;
        }
        if (std::stop_token host = this_worker::stop_token(); host.stop_possible())
            on_stop_.emplace(std::move(host), stopping{&last()});
    }

    nested_stage& last() const noexcept { return chain_.last(); }

    /// Does `what` with the stages. Throws what a stage inside threw.
    template <class What>
    void run(What what) {
        throwing_what_is_noted(*this, what);
        if (was_unwound_) throw stop_unwind();
    }
    bool has_failed() const noexcept { return failure_.has_value(); }
    void throw_failure() const { throw inner_failure(*failure_); }

    bool failed(const nested_stage& at, std::exception_ptr cause) override {
        if (!failure_) failure_ = innermost(at, std::move(cause));
        stop(last());
        return false;
    }
    void unwound() override {
        was_unwound_ = true;
        stop(last());
    }
    void ended() override {}

    /// The stage that threw `cause`, which may be inside `at`.
    static inner_failure innermost(const nested_stage& at, std::exception_ptr cause) {
        try {
            std::rethrow_exception(std::move(cause));
        } catch (...) {
            return inner_failure_of(at.name());
        }
    }

private:
    struct stopping {
        nested_stage* last;
        void operator()() const { last->request_stop(); }
    };

    std::optional<inner_failure> failure_;
    bool was_unwound_ = false;
    nested_chain chain_;
    std::optional<std::stop_callback<stopping>> on_stop_;  // last: gone before what it touches
};

/// The same where each stage but the first calls a function for each item: an item is handed on from
/// step to step, which costs a virtual call each.
class fused_steps {
public:
    static bool are_enough_for(std::span<const stage_entry> stages) {
        return std::all_of(stages.begin() + 1, stages.end(), [](const stage_entry& stage) {
            return stage.body->is_stepped() && !stage.convert;
        });
    }

    fused_steps(std::span<const stage_entry> stages, item_sink& last)
        : head_(*stages.front().body), inner_(inner_workers(stages)), first_(&last) {
        for (std::size_t i = stages.size() - 1; i != 0; --i)
            first_ = steps_.emplace_back(stages[i].body->make_step(*first_, inner_[i].identity)).get();
    }

    void run(feed_base* in) { head_.run_into(in, *first_, inner_.front().identity); }

private:
    const stage_body_base& head_;
    const std::vector<inner_worker> inner_;
    std::vector<owned<item_sink>> steps_;  // the last one first
    item_sink* first_;
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
        if constexpr (std::is_void_v<Out>) {
            fused_chain chain(stages_, in);
            chain.run([&] { chain.last().consume(); });
        } else {
            this->deliver([&] { return results{stages_, in}; }, in, out);
        }
    }

    void run_into([[maybe_unused]] feed_base* in, [[maybe_unused]] item_sink& first,
                  [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (!std::is_void_v<Out>) {
            const worker_scope scope(identity);
            sink_output<Out> to(first);
            results{stages_, in}.push_all(to);
        }
    }

    owned<nested_call> call(feed_base* in) const override {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owned<nested_call>(new pulled_chain(stages_, in));
    }

private:
    /// What the stages yield, to be pushed.
    struct results {
        std::span<const stage_entry> stages;
        feed_base* in;

        template <class To>
        void push_all(To& to) {
            if (fused_steps::are_enough_for(stages)) {
                pushing<To> last(to);
                fused_steps(stages, last).run(in);
                return;
            }
            fused_chain chain(stages, in);
            chain.run([&] {
                auto& from = static_cast<feed<Out>&>(*chain.last().out());
                for (; !from.at_end(); from.next())
                    if (!to.push(std::move(from.item()))) return;
            });
        }
    };

    template <class To>
    class pushing final : public item_sink {
    public:
        explicit pushing(To& to) : to_(to) {}
        bool take(void* item) override { return to_.push(std::move(*static_cast<Out*>(item))); }

    private:
        To& to_;
    };

    /// A fused stage inside another.
    class pulled_chain final : public nested_call {
    public:
        pulled_chain(std::span<const stage_entry> stages, feed_base* in) : chain_(stages, in) {}

        bool next(void* to) override {
            auto& from = static_cast<feed<Out>&>(*chain_.last().out());
            chain_.run([&] {
                if (std::exchange(in_hand_, false)) from.next();
                if (from.at_end()) return;
                std::construct_at(static_cast<Out*>(to), std::move(from.item()));
                in_hand_ = true;
            });
            return in_hand_;
        }

    private:
        fused_chain chain_;
        bool in_hand_ = false;
    };

    const std::vector<stage_entry> stages_;
};

}  // namespace parallelpipe::detail

#endif
