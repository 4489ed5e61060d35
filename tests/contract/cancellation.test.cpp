#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

// Stopping a run: the consumer leaves the loop, cancel(), a stop_token, an error.
namespace contract_cancellation_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Tally;

namespace {

/// An endless pipeline that counts its coroutine frames and items.
struct Endless {
    Tally items;
    std::atomic<int> frames{0};

    struct Frame {
        std::atomic<int>& frames;
        explicit Frame(std::atomic<int>& f) : frames(f) { ++frames; }
        Frame(const Frame&) = delete;
        Frame& operator=(const Frame&) = delete;
        ~Frame() { --frames; }
    };

    auto pipe(std::size_t workers, std::size_t qsize) {
        const Setup settings{.workers = workers, .qsize = qsize};
        auto step = stage(settings, [this](Input<Counted> in) -> generator<Counted> {
            const Frame frame(frames);
            for (Counted& c : in) co_yield std::move(c);
        });
        return stage(settings,
                     [this]() -> generator<Counted> {
                         const Frame frame(frames);
                         for (int i = 0;; ++i) co_yield Counted(items, i);
                     }) |
               step | step;
    }

    bool nothing_left() const { return items.alive == 0 && frames == 0; }
};

template <class R>
bool throws_cancelled(R&& results) {
    try {
        for ([[maybe_unused]] auto&& x : results) {
        }
    } catch (const CancelledError&) {
        return true;
    }
    return false;
}

/// Waits as user code may, until the worker's stop_token is triggered.
void wait_for_stop() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, this_worker::stop_token(), [] { return false; });
}

generator<int> endless() {
    for (int i = 0;; ++i) co_yield i;
}

generator<int> pass(Input<int> items) {
    for (int x : items) co_yield x;
}

}  // namespace

// ---- the consumer leaves -----------------------------------------------------------------------

TEST_CASE("a break stops and joins all workers before the statement after the loop",
          "[contract][cancellation]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    const int after = GENERATE(1, 500);
    Endless run;
    const std::size_t threads = support::threads_at_rest();
    int count = 0;
    for ([[maybe_unused]] Counted& c : run.pipe(workers, qsize).results())
        if (++count == after) break;
    CHECK(run.nothing_left());
    CHECK(comes_true([&] { return support::thread_count() <= threads; }));
}

TEST_CASE("an exception in the consumer's loop stops and joins all workers and leaves the loop unchanged",
          "[contract][cancellation]") {
    Endless run;
    int count = 0;
    try {
        for ([[maybe_unused]] Counted& c : run.pipe(2, 8).results())
            if (++count == 100) throw std::domain_error("the consumer's own");
        FAIL("no exception");
    } catch (const std::domain_error&) {
        CHECK(run.nothing_left());
    }
}

TEST_CASE("the destructor of results without a loop stops and joins all workers",
          "[contract][cancellation]") {
    Endless run;
    { auto results = run.pipe(3, 8).results(); }
    CHECK(run.nothing_left());
    (void)run.pipe(3, 0).results();
    CHECK(run.nothing_left());
}

TEST_CASE("results can be moved, also in the middle of the loop", "[contract][cancellation]") {
    Endless run;
    {
        auto first = run.pipe(2, 8).results();
        auto it = first.begin();
        auto second = std::move(first);
        for (int i = 0; i < 100; ++i) ++it;
        CHECK(it->value >= 0);
        auto third = std::make_unique<decltype(second)>(std::move(second));
        int count = 0;
        for ([[maybe_unused]] Counted& c : *third)
            if (++count == 100) break;
        CHECK(comes_true([&] { return run.frames == 6; }));
        third.reset();
        CHECK(run.nothing_left());
    }
    {
        auto results = run.pipe(2, 8).results();
        auto other = run.pipe(1, 1).results();
        CHECK(other.begin()->value >= 0);
        other = std::move(results);  // ends the run that `other` had
        CHECK(comes_true([&] { return run.frames == 6; }));
        CHECK(other.begin()->value >= 0);
    }
    CHECK(run.nothing_left());
}

TEST_CASE("results can be read and destroyed in another thread than the one that started the run",
          "[contract][cancellation]") {
    Endless run;
    auto results = run.pipe(2, 8).results();
    std::thread([moved = std::move(results)]() mutable {
        int count = 0;
        for ([[maybe_unused]] Counted& c : moved)
            if (++count == 100) break;
    }).join();
    CHECK(run.nothing_left());
    auto unread = run.pipe(2, 8).results();
    std::thread([moved = std::move(unread)]() {}).join();
    CHECK(run.nothing_left());
}

TEST_CASE("leaving early wakes workers that wait in user code, in every stage",
          "[contract][cancellation]") {
    std::atomic<int> woken{0};
    std::latch waiting(3);
    {
        auto results = (stage([&]() -> generator<int> {
                            co_yield 1;
                            co_yield 2;
                            waiting.count_down();
                            wait_for_stop();
                            ++woken;
                        }) |
                        stage([&](Input<int> items) -> generator<int> {
                            for (int x : items) {
                                co_yield x;
                                if (x == 1) continue;
                                waiting.count_down();
                                wait_for_stop();
                                ++woken;
                            }
                        }) |
                        stage([&](Input<int> items) -> generator<int> {
                            for (int x : items) {
                                co_yield x;
                                if (x == 1) continue;
                                waiting.count_down();
                                wait_for_stop();
                                ++woken;
                            }
                        })).results();
        for (int x : results)
            if (x == 2) break;
        waiting.wait();
        CHECK(woken == 0);
    }
    CHECK(woken == 3);
}

TEST_CASE("an infinite loop over input without results ends when the consumer leaves",
          "[contract][cancellation]") {
    const std::size_t workers = GENERATE(1U, 3U);
    auto drop = stage({.workers = workers}, [](Input<int> items) -> generator<int> {
        for (int x : items)
            if (x < 0) co_yield x;
    });
    { auto results = (stage(endless) | drop).results(); }
    std::atomic<bool> unwound{false};
    struct Guard {
        std::atomic<bool>& unwound;
        ~Guard() { unwound = true; }
    };
    std::atomic<bool> after_loop{false};
    {
        auto results = (stage(endless) | stage([&](Input<int> items) -> generator<int> {
                            const Guard guard{unwound};
                            for (int x : items)
                                if (x == 5) co_yield x;
                            after_loop = true;
                        })).results();
        CHECK(*results.begin() == 5);
    }
    CHECK(unwound);
    CHECK(!after_loop);  // the input has not ended, so the code after the loop does not run
}

// ---- cancel() ----------------------------------------------------------------------------------

TEST_CASE("cancel() from the loop stops and joins all workers, and the next step throws",
          "[contract][cancellation]") {
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    Endless run;
    auto results = run.pipe(2, qsize).results();
    int count = 0;
    bool thrown = false;
    try {
        for ([[maybe_unused]] Counted& c : results) {
            if (++count == 100) {
                results.cancel();
                CHECK(run.frames == 0);
                CHECK(c.value >= 0);  // the current item is still valid
            }
            CHECK(count <= 100);
        }
    } catch (const CancelledError&) {
        thrown = true;
    }
    CHECK(thrown);
}

TEST_CASE("cancel() before the loop makes its first step throw", "[contract][cancellation]") {
    Endless run;
    auto results = run.pipe(2, 8).results();
    results.cancel();
    CHECK(run.frames == 0);
    CHECK(throws_cancelled(results));
    results.cancel();  // a second call has no effect
}

TEST_CASE("cancel() from another thread wakes a waiting consumer", "[contract][cancellation]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::latch consuming(1);
    auto results = (stage([&]() -> generator<int> {
                        co_yield 1;
                        wait_for_stop();
                    }) |
                    Stage(pass).setup({.workers = workers}))
                       .results();
    std::jthread other([&] {
        consuming.wait();
        support::give_it_a_chance();
        results.cancel();
    });
    bool thrown = false;
    try {
        for ([[maybe_unused]] int x : results) consuming.count_down();
    } catch (const CancelledError&) {
        thrown = true;
    }
    CHECK(thrown);
}

TEST_CASE("several threads may call cancel() at once", "[contract][cancellation]") {
    for (int round = 0; round < 20; ++round) {
        Endless run;
        {
            auto results = run.pipe(2, 1).results();
            std::latch together(4);
            std::vector<std::jthread> threads;
            for (int i = 0; i < 3; ++i)
                threads.emplace_back([&] {
                    together.arrive_and_wait();
                    results.cancel();
                });
            together.arrive_and_wait();
            CHECK(throws_cancelled(results));
            threads.clear();
        }
        CHECK(run.nothing_left());
    }
}

TEST_CASE("cancel() from a worker of the run does not wait for itself",
          "[contract][cancellation]") {
    std::atomic<Results<int>*> results{nullptr};
    std::atomic<bool> came_back{false};
    auto run = (stage(endless) | stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
                    for (int x : items) {
                        co_yield x;
                        if (x == 100) {
                            results.wait(nullptr);
                            results.load()->cancel();
                            came_back = true;
                        }
                    }
                })).results();
    results = &run;
    results.notify_all();
    CHECK(throws_cancelled(run));
    CHECK(came_back);
}

TEST_CASE("cancel() from a run inside a worker of the run does not wait for itself",
          "[contract][cancellation]") {
    // Three ways to run a pipeline in a worker; that run must end before the worker can.
    using Chain = Pipeline<void, int>;
    const std::vector<std::function<void(const Chain&)>> ways = {
        [](const Chain& inner) { inner.collect(); },
        [](const Chain& inner) {
            for ([[maybe_unused]] int x : inner.results(inline_run)) {
            }
        },
        [](const Chain& inner) {
            (std::views::single(0) | for_each([&](int) { inner.collect(); })).execute();
        },
    };
    for (const auto& in_some_way : ways) {
        std::atomic<Results<int>*> results{nullptr};
        std::atomic<bool> came_back{false};
        const auto inner_stage = map_stage([&](int x) {
            if (x == 5) {
                results.wait(nullptr);
                results.load()->cancel();
                came_back = true;
            }
            return x;
        });
        auto run = (stage(endless) | stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
                        for (int x : items) {
                            co_yield x;
                            if (x == 100) in_some_way(std::views::iota(0, 10) | inner_stage);
                        }
                    })).results();
        results = &run;
        results.notify_all();
        CHECK(throws_cancelled(run));
        CHECK(came_back);
    }
}

TEST_CASE("cancel() after the end of the loop changes nothing", "[contract][cancellation]") {
    auto results = (std::vector{1, 2, 3} | stage(pass)).results();
    int sum = 0;
    for (int x : results) sum += x;
    results.cancel();
    CHECK(sum == 6);
    CHECK(!throws_cancelled(results));
}

TEST_CASE("a run that is cancelled before its last result was read does not end normally",
          "[contract][cancellation]") {
    // All results are in the queue, and all workers have ended.
    std::atomic<bool> done{false};
    auto results = stage([&]() -> generator<int> {
                       for (int i = 0; i < 10; ++i) co_yield i;
                       done = true;
                   }).results();
    CHECK(comes_true([&] { return done.load(); }));
    support::give_it_a_chance();
    results.cancel();
    CHECK(throws_cancelled(results));
}

TEST_CASE("a loop that ends normally has read all results, whenever cancel() is called",
          "[contract][cancellation]") {
    int cancelled = 0;
    for (int round = 0; round < 300; ++round) {
        std::stop_source stop;
        auto results =
            (std::views::iota(0, 20) | Stage(pass).setup({.workers = 2})).results(stop.get_token());
        std::jthread other([&] {
            for (int i = 0; i < 37 * round; ++i) detail::cpu_pause();
            stop.request_stop();
        });
        int count = 0;
        try {
            for ([[maybe_unused]] int x : results) ++count;
            CHECK(count == 20);
        } catch (const CancelledError&) {
            ++cancelled;
        }
    }
    UNSCOPED_INFO(cancelled << " of 300 runs were cancelled before their end");
}

// ---- stop_token --------------------------------------------------------------------------------

TEST_CASE("a token that is already stopped ends the run at once with CancelledError",
          "[contract][cancellation]") {
    std::stop_source stop;
    stop.request_stop();
    Endless run;
    CHECK(throws_cancelled(run.pipe(2, 8).results(stop.get_token())));
    CHECK(run.nothing_left());
    CHECK_THROWS_AS(run.pipe(2, 8).execute(stop.get_token()), CancelledError);
    CHECK_THROWS_AS(stage(endless).execute(stop.get_token()), CancelledError);
    CHECK(throws_cancelled(stage(endless).results(stop.get_token())));
    CHECK_THROWS_AS((stage(endless) | stage([](Input<int> items) {
                         for ([[maybe_unused]] int x : items) {
                         }
                     })).execute(stop.get_token()),
                    CancelledError);
    CHECK(run.nothing_left());
}

TEST_CASE("a stop_token wakes the consumer and workers that wait for items or for slots",
          "[contract][cancellation]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::stop_source stop;
    std::atomic<bool> waiting{false};
    // The source fills its queue; the next stage keeps an item and waits in user code; the stages
    // after it and the consumer wait for items.
    auto results = (Stage(endless).setup({.workers = workers, .qsize = 1}) |
                    stage([&](Input<int> items) -> generator<int> {
                        for (int x : items) {
                            waiting = true;
                            wait_for_stop();
                            co_yield x;
                        }
                    }) |
                    Stage(pass).setup({.workers = workers}) | stage(pass))
                       .results(stop.get_token());
    std::jthread other([&] {
        comes_true([&] { return waiting.load(); });
        support::give_it_a_chance();
        stop.request_stop();
    });
    CHECK(throws_cancelled(results));
}

TEST_CASE("a stop_token ends a run whose consumer does not read", "[contract][cancellation]") {
    std::stop_source stop;
    Endless run;
    {
        auto results = run.pipe(2, 4).results(stop.get_token());
        CHECK(comes_true([&] { return run.frames == 6; }));
        stop.request_stop();
        CHECK(comes_true([&] { return run.frames == 0; }));
        CHECK(throws_cancelled(results));
    }
    CHECK(run.nothing_left());
}

TEST_CASE("a stop_token that fires during execute() throws CancelledError",
          "[contract][cancellation]") {
    std::stop_source stop;
    Endless run;
    const std::size_t workers = GENERATE(1U, 3U);
    SECTION("of a sink") {
        auto sink = stage({.workers = workers}, [&](Input<Counted> items) {
            for (Counted& c : items)
                if (c.value == 1000) stop.request_stop();  // from a worker of the run
        });
        CHECK_THROWS_AS((run.pipe(workers, 8) | sink).execute(stop.get_token()), CancelledError);
    }
    SECTION("of a pipeline with results, from another thread") {
        std::jthread other([&] {
            comes_true([&] { return run.frames == static_cast<int>(3 * workers); });
            stop.request_stop();
        });
        CHECK_THROWS_AS(run.pipe(workers, 8).execute(stop.get_token()), CancelledError);
    }
    SECTION("of a sink that waits in user code") {
        auto sink = stage({.workers = workers}, [&](Input<Counted> items) {
            for ([[maybe_unused]] Counted& c : items) wait_for_stop();
        });
        std::jthread other([&] {
            comes_true([&] { return run.frames == static_cast<int>(3 * workers); });
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS((run.pipe(workers, 8) | sink).execute(stop.get_token()), CancelledError);
    }
    CHECK(run.nothing_left());
}

TEST_CASE("a stop_token that fires after the end changes nothing", "[contract][cancellation]") {
    std::stop_source stop;
    const auto pipe = std::vector{1, 2, 3} | stage(pass);
    auto results = pipe.results(stop.get_token());
    int sum = 0;
    for (int x : results) sum += x;
    stop.request_stop();
    CHECK(sum == 6);
    CHECK(!throws_cancelled(results));
}

TEST_CASE("a stop_source may be destroyed before or after the run",
          "[contract][cancellation]") {
    auto stop = std::make_unique<std::stop_source>();
    auto results = (std::vector{1, 2, 3} | stage(pass)).results(stop->get_token());
    stop.reset();  // the token can no longer be triggered
    int sum = 0;
    for (int x : results) sum += x;
    CHECK(sum == 6);
    std::stop_source late;
    { auto gone = (std::vector{1, 2, 3} | stage(pass)).results(late.get_token()); }
    late.request_stop();
}

TEST_CASE("a run may be destroyed while its stop_token fires", "[contract][cancellation]") {
    for (int round = 0; round < 50; ++round) {
        Endless run;
        std::stop_source stop;
        std::optional results(run.pipe(2, 2).results(stop.get_token()));
        std::latch together(2);
        std::jthread other([&] {
            together.arrive_and_wait();
            stop.request_stop();
        });
        together.arrive_and_wait();
        results.reset();
        CHECK(run.nothing_left());
    }
}

TEST_CASE("one stop_token stops several runs", "[contract][cancellation]") {
    std::stop_source stop;
    Endless run;
    auto one = run.pipe(2, 2).results(stop.get_token());
    auto two = run.pipe(2, 2).results(stop.get_token());
    stop.request_stop();
    CHECK(throws_cancelled(one));
    CHECK(throws_cancelled(two));
    CHECK(run.frames == 0);
}

TEST_CASE("an error before cancel() is the one that is thrown", "[contract][cancellation]") {
    std::stop_source stop;
    std::atomic<bool> failed{false};
    auto results = (stage([&]() -> generator<int> {
                       co_yield 1;
                       failed = true;
                       throw std::runtime_error("first");
                   })).results(stop.get_token());
    CHECK(comes_true([&] { return failed.load(); }));
    support::give_it_a_chance();
    stop.request_stop();
    bool task_exception = false;
    try {
        for ([[maybe_unused]] int x : results) {
        }
    } catch (const TaskException&) {
        task_exception = true;
    }
    CHECK(task_exception);
}

TEST_CASE("a user's stop_callback runs when the run is stopped", "[contract][cancellation]") {
    std::atomic<int> called{0};
    std::latch registered(2);
    {
        auto results =
            stage({.workers = 2}, [&]() -> generator<int> {
                const std::stop_callback callback(this_worker::stop_token(), [&] { ++called; });
                registered.count_down();
                wait_for_stop();
                // Waits: a callback that is destroyed before its turn is not called.
                comes_true([&] { return called == 2; });
                co_yield 1;
            }).results();
        registered.wait();
        CHECK(called == 0);
    }
    CHECK(called == 2);
}

TEST_CASE("a worker's stop_token does not fire in a run that ends normally",
          "[contract][cancellation]") {
    std::atomic<int> fired{0};
    auto step = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
        if (this_worker::stop_token().stop_requested()) ++fired;
        if (!this_worker::stop_token().stop_possible()) ++fired;
    });
    CHECK((std::views::iota(0, 1000) | step | step).execute() >= 0);
    CHECK(fired == 0);
}

}  // namespace contract_cancellation_tests
