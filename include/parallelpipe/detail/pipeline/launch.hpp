// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_LAUNCH_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_LAUNCH_HPP

// Starts a run of a chain of stages, with threads or inline, and reads it to its end.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/channel_reader.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/nested/inline_run.hpp>
#include <parallelpipe/detail/pipeline/run_base.hpp>
#include <parallelpipe/detail/pipeline/run_options.hpp>
#include <parallelpipe/detail/run/run.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/results.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A run in threads, and the reader of its last queue.
template <class Out>
class threaded_run final : public run_base {
public:
    threaded_run(const std::vector<stage_entry>& stages, run_options options)
        : run_(stages, options.monitor, options.taken_by), reader_(run_, *options.taken_by != '\0') {
        reader_.count_for(&run_.consumer());
        run_.start(std::move(options.token));
    }
    ~threaded_run() override {
        run_.cancel();
        reader_.leave();
        run_.cancel_and_join();
    }

    item_reader<Out>& items() noexcept { return reader_; }
    void cancel() override { run_.cancel_and_join(); }
    const run* threads() const noexcept override { return &run_; }

private:
    class result_reader final : public channel_reader<Out, Out> {
    public:
        result_reader(run& from, bool keeps_results)
            : channel_reader<Out, Out>(static_cast<item_channel<Out>&>(*from.output()), 1),
              run_(from),
              keeps_results_(keeps_results) {
            this->has_rivals_ = true;  // another thread may cancel and discard items that were taken ahead
        }

        using channel_reader<Out, Out>::leave;

    private:
        bool refill() override {
            run_.consumer_is_here();
            for (;;) {
                try {
                    return channel_reader<Out, Out>::refill();
                } catch (...) {
                    // The next round takes what else was delivered, or meets the end.
                    run_.fail_in_results(std::current_exception());
                }
            }
        }
        void ended() override {
            if (this->prefetched_.unwinds()) throw stop_unwind{};  // this run may go on
            // After a stop, execute() and collect() do not return the results that they hold. This throws before the
            // join, so that the results are destroyed first: a source may wait for that.
            if (keeps_results_) run_.throw_if_stopped();
            run_.finish();
        }

        run& run_;
        const bool keeps_results_;  // a call of the library takes the results, not a loop of the caller's
    };

    run run_;
    result_reader reader_;
};

/// Errors: as runnable::results.
template <class Out, bool is_inline>
Results<Out> launch(const std::vector<stage_entry>& stages, run_options options) {
    if constexpr (is_inline) {
        owning_ptr started(new inline_run_state(stages, std::move(options.token)));
        auto& items = static_cast<item_reader<Out>&>(*started->last().out());
        return Results<Out>(std::move(started), items);
    } else {
        auto* const started = new threaded_run<Out>(stages, std::move(options));
        return Results<Out>(owning_ptr<run_base>(started), started->items());
    }
}

template <class...>
Statistics stats_of(const run_base& of) {
    if (const run* const threads = of.threads()) return threads->stats();
    return static_cast<const inline_run_state&>(of).stats();
}

/// The parameter outlives `last`: where an error leaves, the last result is destroyed before the run is joined.
template <class Out>
Out last_of(Results<Out> results) {
    std::optional<Out> last;
    for (Out& result : results) last.emplace(std::move(result));
    if (!last) throw NoResultError();
    return *std::move(last);
}

/// Errors: as runnable::execute.
template <class Out, bool is_inline>
Out run_to_end(const std::vector<stage_entry>& stages, run_options options) {
    if constexpr (!std::is_void_v<Out>) {
        return detail::last_of(detail::launch<Out, is_inline>(stages, std::move(options)));
    } else if constexpr (is_inline) {
        inline_run_state whole(stages, std::move(options.token));
        whole.last().consume();
        whole.ended();
    } else {
        run whole(stages, options.monitor);
        whole.start(std::move(options.token));
        whole.finish();
    }
}

}  // namespace parallelpipe::detail

#endif
