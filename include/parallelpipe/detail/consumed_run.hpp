#ifndef PARALLELPIPE_DETAIL_CONSUMED_RUN_HPP
#define PARALLELPIPE_DETAIL_CONSUMED_RUN_HPP

#include <parallelpipe/detail/channel.hpp>
#include <parallelpipe/detail/channel_feed.hpp>
#include <parallelpipe/detail/run.hpp>
#include <parallelpipe/detail/run_watcher.hpp>
#include <parallelpipe/detail/stage_body.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/results.hpp>

#include <exception>
#include <stop_token>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// A run and the feed of its last channel.
template <class Out>
class consumed_run final : public run_base {
public:
    consumed_run(const std::vector<stage_entry>& stages, std::stop_token token, const run_watcher* watcher,
                 const char* taken_by)
        : run_(stages, watcher, taken_by), feed_(run_, *taken_by != '\0') {
        feed_.count_for(&run_.consumer());
        run_.start(std::move(token));
    }
    ~consumed_run() override {
        run_.cancel();
        feed_.leave();
        run_.cancel_and_join();
    }

    feed<Out>& items() noexcept { return feed_; }
    void cancel() override { run_.cancel_and_join(); }
    const run* threads() const noexcept override { return &run_; }

private:
    class last_feed final : public channel_feed<Out, Out> {
    public:
        last_feed(run& from, bool is_librarys)
            : channel_feed<Out, Out>(static_cast<Channel<Out>&>(*from.output()), 1),
              run_(from),
              is_librarys_(is_librarys) {
            this->has_rivals_ = true;  // another thread may cancel, and discard what was taken ahead
        }

        using channel_feed<Out, Out>::leave;

    private:
        bool refill() override {
            run_.consumer_is_here();
            for (;;) {
                try {
                    return channel_feed<Out, Out>::refill();
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
    last_feed feed_;
};

}  // namespace parallelpipe::detail

#endif
