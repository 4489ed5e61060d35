// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_PIPELINE_CONSUMED_RUN_HPP
#define PARALLELPIPE_DETAIL_PIPELINE_CONSUMED_RUN_HPP

#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/channel_reader.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/run/observer.hpp>
#include <parallelpipe/detail/run/run.hpp>
#include <parallelpipe/detail/stage/stage_entry.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/results.hpp>

#include <exception>
#include <stop_token>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// A run and the feed of its last channel.
template <class Out>
class consumed_run final : public run_base {
public:
    consumed_run(const std::vector<stage_entry>& stages, std::stop_token token, const observer_handle* watcher,
                 const char* taken_by)
        : run_(stages, watcher, taken_by), reader_(run_, *taken_by != '\0') {
        reader_.count_for(&run_.consumer());
        run_.start(std::move(token));
    }
    ~consumed_run() override {
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
        result_reader(run& from, bool is_librarys)
            : channel_reader<Out, Out>(static_cast<Channel<Out>&>(*from.output()), 1),
              run_(from),
              is_librarys_(is_librarys) {
            this->has_rivals_ = true;  // another thread may cancel, and discard what was taken ahead
        }

        using channel_reader<Out, Out>::leave;

    private:
        bool refill() override {
            run_.consumer_is_here();
            for (;;) {
                try {
                    return channel_reader<Out, Out>::refill();
                } catch (...) {
                    // Then what else was delivered, and the end.
                    run_.fail_in_results(std::current_exception());
                }
            }
        }
        void ended() override {
            if (this->taken_.unwinds()) throw stop_unwind{};  // this run may go on
            // What the library's own loop has collected dies before the join, as all that nothing will read.
            if (is_librarys_) run_.throw_if_stopped();
            run_.finish();
        }

        run& run_;
        const bool is_librarys_;  // the loop
    };

    run run_;
    result_reader reader_;
};

}  // namespace parallelpipe::detail

#endif
