// Items from a fixed pool: the source waits until an item is destroyed. However a run ends, it destroys the items in its
// queues, so the source cannot wait for ever.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/thread_limit.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <latch>
#include <list>
#include <optional>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace contract_held_items_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

/// A pool with a number of places. A source that waits too long for a place records a failure.
struct Pool {
    explicit Pool(int places) : free(places) {}

    std::counting_semaphore<> free;
    std::atomic<bool> has_starved{false};
    std::atomic<int> made{0};
};

/// An item that holds a place of its pool while it lives.
class Frame {
public:
    Frame(Pool& pool, int n) : number(n), pool_(&pool) {}
    Frame(Frame&& other) noexcept : number(other.number), pool_(std::exchange(other.pool_, nullptr)) {}
    Frame& operator=(Frame&&) = delete;
    ~Frame() {
        if (pool_) pool_->free.release();
    }

    int number;

private:
    Pool* pool_;
};

/// An endless source that waits for a place and ignores its stop_token.
Stage<void, Frame> camera(Pool& pool, std::size_t qsize) {
    return stage({.qsize = qsize}, [&pool]() -> generator<Frame> {
        for (int n = 0;; ++n) {
            if (!pool.free.try_acquire_for(20s)) {
                pool.has_starved = true;
                co_return;
            }
            ++pool.made;
            Frame frame(pool, n);
            co_yield std::move(frame);
        }
    });
}

Stage<Frame, Frame> pass_on(Setup setup) {
    return stage(std::move(setup), [](Input<Frame> in) -> generator<Frame> {
        for (Frame& frame : in) co_yield std::move(frame);
    });
}

/// Pipelines of the camera and each kind of stage; each kind holds items in another place.
std::vector<Pipeline<void, Frame>> pipelines(Pool& pool, std::size_t qsize) {
    const auto by_number = [](const Frame& frame) { return frame.number; };
    const auto source = camera(pool, qsize);
    return {
        Pipeline<void, Frame>(source),
        source | pass_on({.qsize = qsize}),
        source | pass_on({.workers = 3, .qsize = qsize}) | pass_on({.qsize = qsize}),
        source | pass_on({.workers = 3, .qsize = qsize, .ordered = true}),
        source | pass_on({.workers = 2, .qsize = qsize, .ordered = true}) | pass_on({.workers = 2}),
        source | pass_on({.workers = 3, .qsize = qsize}).partition_by(by_number),
        source | fuse({.workers = 2, .qsize = qsize}, pass_on({}) | pass_on({})),
        Pipeline<void, Frame>(fuse({.workers = 2, .qsize = qsize}, source | pass_on({}))),
    };
}

/// An item whose destructor is slow.
struct SlowToDie {
    SlowToDie(support::Tally& tally, int n) : counted(tally, n) {}
    SlowToDie(SlowToDie&&) noexcept = default;
    SlowToDie& operator=(SlowToDie&&) = delete;
    ~SlowToDie() { std::this_thread::sleep_for(200us); }

    support::Counted counted;
};

/// Calls `leave(pipeline)` for each of the pipelines, with pools of several sizes.
template <class Leave>
void with_each_pipeline(int fewest_places, Leave leave) {
    for (const int places : {fewest_places, 3, 16})
        for (const std::size_t qsize : {1u, 4u, 0u})
            for (std::size_t which = 0; which < 8; ++which) {
                Pool pool(places);
                leave(pipelines(pool, qsize)[which]);
                INFO("pipeline " << which << ", " << places << " places, qsize " << qsize);
                CHECK_FALSE(pool.has_starved);
            }
}

}  // namespace

TEST_CASE("break ends a run whose source waits for items that the library holds", "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        for (Frame& frame : pipe.results()) {
            static_cast<void>(frame);
            break;
        }
    });
}

TEST_CASE("an exception in the loop ends a run whose source waits for items that the library holds",
          "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        CHECK_THROWS_AS([&] {
            for (Frame& frame : pipe.results()) throw std::runtime_error(std::to_string(frame.number));
        }(), std::runtime_error);
    });
}

TEST_CASE("destroying unread results ends a run whose source waits for items that the library holds",
          "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        auto results = pipe.results();
        std::this_thread::sleep_for(1ms);
    });
}

TEST_CASE("cancel() in the loop ends a run whose source waits for items that the library holds",
          "[contract][held]") {
    with_each_pipeline(2, [](const auto& pipe) {
        auto results = pipe.results();
        CHECK_THROWS_AS([&] {
            for (Frame& frame : results)
                if (frame.number >= 0) results.cancel();
        }(), CancelledError);
    });
}

TEST_CASE("cancel() in another thread ends such a run while the consumer holds an item", "[contract][held]") {
    with_each_pipeline(2, [](const auto& pipe) {
        auto results = pipe.results();
        auto it = results.begin();
        const int first = it->number;
        std::jthread([&] { results.cancel(); }).join();
        CHECK(it->number == first);
        ++it;
        CHECK_THROWS_AS(it == results.end(), CancelledError);
    });
}

TEST_CASE("a stop_token ends a run whose source waits for items that the library holds", "[contract][held]") {
    with_each_pipeline(2, [](const auto& pipe) {
        std::stop_source stop;
        int seen = 0;
        CHECK_THROWS_AS([&] {
            for (Frame& frame : pipe.results(stop.get_token())) {
                static_cast<void>(frame);
                if (++seen == 3) stop.request_stop();
            }
        }(), CancelledError);
        std::stop_source other;
        const std::jthread stopper([&] {
            std::this_thread::sleep_for(1ms);
            other.request_stop();
        });
        CHECK_THROWS_AS(pipe.execute(other.get_token()), CancelledError);
    });
}

TEST_CASE("execute() and collect() destroy the items of a stopped run before they wait for its source",
          "[contract][held]") {
    const bool collects = GENERATE(false, true);
    with_each_pipeline(1, [&](const auto& pipe) {
        std::stop_source stop;
        const std::jthread stopper([&] {
            std::this_thread::sleep_for(1ms);
            stop.request_stop();
        });
        if (collects)
            CHECK_THROWS_AS(pipe.template collect<std::list>(stop.get_token()), CancelledError);
        else
            CHECK_THROWS_AS(pipe.execute(stop.get_token()), CancelledError);
    });
}

TEST_CASE("a batch that waits for more items can be left although the source waits for the items in the batch",
          "[contract][held]") {
    with_each_pipeline(2, [](const auto& pipe) {
        for (auto& frames : (pipe | batch(2, 1ms)).results()) {
            CHECK(!frames.empty());
            break;
        }
        auto never_full = (pipe | batch(2, 1ms) | batch(9, 1h)).results();
        std::this_thread::sleep_for(1ms);
    });
}

TEST_CASE("a later stage that returns ends a run whose source waits for items that the library holds",
          "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        CHECK((pipe | take(2) | map_stage([](Frame&& frame) { return frame.number; })).collect().size() == 2);
        std::atomic<int> seen{0};
        (pipe | stage({.workers = 2}, [&](Input<Frame> in) {
             for (Frame& frame : in) {
                 seen += frame.number >= 0;
                 return;
             }
         })).execute();
        CHECK(seen > 0);
    });
}

TEST_CASE("a later stage that fails ends a run whose source waits for items that the library holds",
          "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        const auto fails = map_stage([](Frame&& frame) -> int {
            if (frame.number >= 2) throw std::runtime_error("enough");
            return frame.number;
        });
        CHECK_THROWS_AS((pipe | fails).execute(), TaskException);
        CHECK_THROWS_AS((pipe | fails | batch(10)).execute(), TaskException);
    });
}

TEST_CASE("a run inside a stage can be left although the source waits for items that the run holds",
          "[contract][held]") {
    with_each_pipeline(1, [](const auto& pipe) {
        const auto first = stage([](Input<Frame> in) -> generator<int> {
            const auto same = pass_on({.workers = 2});
            int number = -1;
            {
                auto results = (std::move(in) | same).results();
                for (Frame& frame : results) {
                    number = frame.number;
                    break;
                }
            }
            co_yield number;
        });
        CHECK((pipe | first).collect().size() == 1);
    });
}

namespace {

/// An item whose destructor waits for a thread that cancels the run.
class Cancelling {
public:
    explicit Cancelling(Results<Cancelling>*& results) : results_(&results) {}
    Cancelling(Cancelling&& other) noexcept : results_(std::exchange(other.results_, nullptr)) {}
    Cancelling& operator=(Cancelling&&) = delete;
    ~Cancelling() {
        if (results_) std::thread([this] { (*results_)->cancel(); }).join();
    }

private:
    Results<Cancelling>** results_;
};

}  // namespace

TEST_CASE("an item that cancel() destroys may wait for another thread that calls cancel()", "[contract][held]") {
    const bool ordered = GENERATE(false, true);
    std::latch are_made(2);
    Results<Cancelling>* address = nullptr;
    auto results = stage({.workers = 2, .ordered = ordered}, [&]() -> generator<Cancelling> {
                       for (int i = 0; i < 8; ++i) {
                           Cancelling item(address);
                           co_yield std::move(item);
                       }
                       are_made.count_down();
                       support::wait_for_stop();
                   }).results();
    address = &results;
    are_made.wait();
    results.cancel();
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("a parked result that finds the queue closed may wait for a thread that calls cancel()",
          "[contract][held]") {
    Results<Cancelling>* address = nullptr;
    std::atomic<std::size_t> front{0};
    std::atomic<bool> has_left{false};
    std::latch is_parked(1);
    auto results = (std::views::iota(0, 2) |
                    stage({.workers = 2, .ordered = true}, [&](Input<int> in) -> generator<Cancelling> {
                        for (int x : in) {
                            if (x == 0) {
                                front = this_worker::index();
                                // Not woken by a callback, which would wait for the one below.
                                support::comes_true([] { return this_worker::stop_token().stop_requested(); });
                                co_return;
                            }
                            Cancelling item(address);
                            co_yield std::move(item);
                            // cancel() has closed the queue when it requests the stop. It goes on when the worker of
                            // the front has left, which passes on what is parked.
                            const auto hold = [&] {
                                has_left = support::comes_true([&] {
                                    return address->stats().stages[1].each[front].activity == Activity::ended;
                                });
                            };
                            const std::stop_callback on_stop(this_worker::stop_token(), hold);
                            is_parked.count_down();
                            support::wait_for_stop();
                        }
                    })).results();
    address = &results;
    is_parked.wait();
    results.cancel();
    CHECK(has_left);
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("no item is destroyed twice if a worker cancels the run while its consumer leaves", "[contract][held]") {
    support::Tally tally;
    for (int run = 0; run < 20; ++run) {
        std::optional<Results<SlowToDie>> results;
        std::latch is_there(1);
        results.emplace(stage([&]() -> generator<SlowToDie> {
                            for (int i = 0; i < 8; ++i) {
                                SlowToDie item(tally, i);
                                co_yield std::move(item);
                            }
                            is_there.wait();
                            support::wait_for_stop();
                            results->cancel();
                        }).results());
        is_there.count_down();
        CHECK(results->begin()->counted.value == 0);
        results.reset();
        CHECK(tally.alive == 0);
    }
}

TEST_CASE("a run that cannot start all its threads does not wait for items that its queues hold",
          "[contract][held]") {
    for (int threads = 1; threads < 4; ++threads) {
        Pool pool(2);
        const auto pipe = camera(pool, 4) | pass_on({.workers = 2}) | pass_on({.workers = 2});
        const support::ThreadLimit limit(threads);
        CHECK_THROWS_AS(pipe.results(), std::system_error);
        CHECK_FALSE(pool.has_starved);
    }
}

}  // namespace contract_held_items_tests
