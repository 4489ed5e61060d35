// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_NESTED_FUSED_STAGE_HPP
#define PARALLELPIPE_DETAIL_NESTED_FUSED_STAGE_HPP

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/nested/nested_stage.hpp>
#include <parallelpipe/detail/stage/delivery.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/detail/worker/inner_failure.hpp>
#include <parallelpipe/this_worker.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The identity of a fused stage's worker while it runs one of the stages inside.
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
        inner.back().identity.host = current_worker;
    }
    return inner;
}

/// One worker of a fused stage, and one worker of each stage inside.
class fused_chain final : public nested_owner {
public:
    fused_chain(std::span<const stage_entry> stages, item_reader_base* in) : chain_(in) {
        const std::vector<inner_worker> workers = inner_workers(stages);
        for (std::size_t i = 0; i < stages.size(); ++i) {
            const worker_identity& identity = workers[i].identity;
            nested_stage& stage = chain_.add(
                owning_ptr(new nested_stage(*this, stages[i], workers[i].name, identity.index, 1)));
            stage.belongs_to(identity.host, identity.counters);
        }
        if (sync::stop_token host = this_worker::stop_token(); host.stop_possible())
            on_stop_.emplace(std::move(host), stopping{&last()});
    }

    nested_stage& last() const noexcept { return chain_.last(); }

    /// Calls `what`, which returns whether it will be called again. If not, or if it throws, all stages end.
    /// Returns: what `what` returned.
    /// Errors: the first error of a stage inside, after the end of all stages; what `what` throws.
    template <class What>
    bool run(What what) {
        bool is_unwound = false;
        try {
            if (what()) return true;
        } catch (const stop_unwind&) {
            is_unwound = true;
        }
        chain_.unwind();
        if (failure_) throw inner_failure(*failure_);
        if (is_unwound || was_unwound_) throw stop_unwind();
        return false;
    }

    after_error failed(const nested_stage& at, std::exception_ptr cause) override {
        inner_failure what = innermost(at, std::move(cause));
        const bool in_order = what.in_order;
        {
            const sync::lock_guard lock(mutex_);
            if (!failure_) failure_ = std::move(what);
        }
        if (in_order) return after_error::ends;
        last().request_stop();
        return after_error::unwinds;
    }
    void unwound() override {
        was_unwound_ = true;
        last().request_stop();
    }
    void ended() override {}

    /// `cause`, as a failure of the stage that threw it: `at`, or a stage inside `at`.
    static inner_failure innermost(const nested_stage& at, std::exception_ptr cause) {
        try {
            std::rethrow_exception(std::move(cause));
        } catch (...) {
            return inner_failure_of(at.identity());
        }
    }

private:
    struct stopping {
        nested_stage* last;
        void operator()() const { last->request_stop(); }
    };

    sync::mutex mutex_;
    std::optional<inner_failure> failure_;  // the first one; written under mutex_, read after chain_.unwind()
    bool was_unwound_ = false;              // written by the first stage, read after chain_.unwind()
    nested_chain chain_;
    std::optional<sync::stop_callback<stopping>> on_stop_;  // last: gone before what it touches
};

/// The same where each stage but the first is a kernel: an item goes from one kernel to the next by a virtual call.
class fused_kernels {
public:
    static bool are_enough_for(std::span<const stage_entry> stages) {
        return std::all_of(stages.begin() + 1, stages.end(), [](const stage_entry& stage) {
            return stage.code->has_kernel() && !stage.convert;
        });
    }

    fused_kernels(std::span<const stage_entry> stages, item_sink& last)
        : front_(*stages.front().code), inner_(inner_workers(stages)), first_(&last) {
        for (std::size_t i = stages.size() - 1; i != 0; --i)
            first_ = kernels_.emplace_back(stages[i].code->make_kernel(*first_, inner_[i].identity)).get();
    }

    void run(item_reader_base* in) { front_.run_into(in, *first_, inner_.front().identity); }

private:
    const stage_code& front_;
    const std::vector<inner_worker> inner_;
    std::vector<owning_ptr<item_sink>> kernels_;  // the last one first
    item_sink* first_;
};

/// What `fuse` makes of several stages.
template <class Out>
class fused_stage final : public stage_code {
public:
    explicit fused_stage(std::vector<stage_entry> stages)
        : stage_code(item_type_of<Out>), stages_(std::move(stages)) {}

    void begin_run() const override {
        for (const stage_entry& stage : stages_) stage.code->begin_run();
    }

    void run(item_reader_base* in, output out) const override {
        if constexpr (std::is_void_v<Out>) {
            fused_chain chain(stages_, in);
            chain.run([&] {
                chain.last().consume();
                return false;
            });
        } else {
            detail::deliver<Out>([&] { return results{stages_, in}; }, in, out);
        }
    }

    void run_into([[maybe_unused]] item_reader_base* in, [[maybe_unused]] item_sink& first,
                  [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (!std::is_void_v<Out>) {
            const worker_scope scope(identity);
            sink_output<Out> to(first);
            results{stages_, in}.push_all(to);
        }
    }

    owning_ptr<nested_call> call(item_reader_base* in) const override {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<nested_call>(new pulled_chain(stages_, in));
    }

private:
    /// A range of what the stages yield; it can only be pushed.
    struct results {
        std::span<const stage_entry> stages;
        item_reader_base* in;

        template <class To>
        void push_all(To& to) {
            if (fused_kernels::are_enough_for(stages)) {
                pushing<To> last(to);
                fused_kernels(stages, last).run(in);
                return;
            }
            fused_chain chain(stages, in);
            chain.run([&] {
                auto& from = static_cast<item_reader<Out>&>(*chain.last().out());
                for (; !from.at_end(); from.next())
                    if (!to.push(std::move(from.item()))) break;
                return false;
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

    /// A fused stage inside another one, or in a run without threads.
    class pulled_chain final : public nested_call {
    public:
        pulled_chain(std::span<const stage_entry> stages, item_reader_base* in) : chain_(stages, in) {}

        bool next(void* to) override {
            auto& from = static_cast<item_reader<Out>&>(*chain_.last().out());
            return chain_.run([&] {
                if (std::exchange(in_hand_, false)) from.next();
                if (from.at_end()) return false;
                std::construct_at(static_cast<Out*>(to), std::move(from.item()));
                in_hand_ = true;
                return true;
            });
        }

    private:
        fused_chain chain_;
        bool in_hand_ = false;
    };

    const std::vector<stage_entry> stages_;
};

}  // namespace parallelpipe::detail

#endif
