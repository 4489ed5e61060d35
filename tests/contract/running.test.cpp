#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

// How a run behaves: items are visible at once, work is spread over the workers, threads and their names, waiting,
// results() and execute(), early return.
namespace contract_running_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::comes_true;

namespace {

auto pass(std::size_t workers = 1) {
    return stage({.workers = workers}, [](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
}

/// Waits until all threads together use at most a fifth of a core; on a loaded machine they fall asleep late.
/// Returns: false if they do not in time.
bool comes_to_rest() {
    return comes_true([] {
        const auto before = support::cpu_time();
        std::this_thread::sleep_for(300ms);
        return support::cpu_time() - before < 60ms * support::slowness;
    });
}

}  // namespace

// ---- visible at once ---------------------------------------------------------------------------

TEST_CASE("an item reaches the consumer while the stage that yielded it waits",
          "[contract][running]") {
    std::binary_semaphore seen(0);
    auto source = stage([&]() -> generator<int> {
        for (int i = 0; i < 50; ++i) {
            co_yield i;
            seen.acquire();  // would never return if the item were held back
        }
    });
    int expected = 0;
    for (int x : source.results()) {
        CHECK(x == expected++);
        seen.release();
    }
    CHECK(expected == 50);
}

TEST_CASE("an item passes a chain of four stages while its source waits", "[contract][running]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    std::binary_semaphore seen(0);
    auto source = stage({.qsize = qsize}, [&]() -> generator<int> {
        for (int i = 0; i < 50; ++i) {
            co_yield i;
            seen.acquire();
        }
    });
    auto step = pass(workers).setup({.qsize = qsize});
    int expected = 0;
    for (int x : (source | step | step | step).results()) {
        CHECK(x == expected++);
        seen.release();
    }
    CHECK(expected == 50);
}

TEST_CASE("an element of a range on the left is visible while the range waits for the next",
          "[contract][running]") {
    std::binary_semaphore seen(0);
    auto numbers = std::views::iota(0, 50) | std::views::transform([&](int i) {
                       if (i != 0) seen.acquire();
                       return i;
                   });
    int expected = 0;
    for (int x : (numbers | pass(2)).results()) {
        CHECK(x == expected++);
        seen.release();
    }
    CHECK(expected == 50);
}

TEST_CASE("a few items after a burst of many are visible too", "[contract][running]") {
    std::binary_semaphore seen(0);
    auto source = stage([&]() -> generator<int> {
        for (int burst = 0; burst < 20; ++burst) {
            for (int i = 0; i < 37; ++i) co_yield i;
            seen.acquire();  // until the consumer has the whole burst
        }
    });
    int count = 0;
    for ([[maybe_unused]] int x : (source | pass(3) | pass(1)).results())
        if (++count % 37 == 0) seen.release();
    CHECK(count == 20 * 37);
}

TEST_CASE("the results of a finished worker arrive although another worker of the stage still runs",
          "[contract][running]") {
    std::latch seen(1);
    auto source = stage({.workers = 2}, [&]() -> generator<int> {
        if (this_worker::index() == 0) {
            co_yield 0;
        } else {
            seen.wait();
            co_yield 1;
        }
    });
    std::vector<int> all;
    for (int x : source.results()) {
        all.push_back(x);
        if (x == 0) seen.count_down();
    }
    CHECK(all == std::vector{0, 1});
}

// ---- spread over the workers -------------------------------------------------------------------

TEST_CASE("four workers process four items at a time, and no more", "[contract][running]") {
    std::atomic<int> begun{0};
    std::atomic<int> in_hand{0};
    std::atomic<int> most{0};
    std::atomic<int> alone{0};
    auto slow = map_stage({.workers = 4}, [&](int x) {
        const int now = ++in_hand;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
        }
        const int last_of_its_four = (++begun + 3) / 4 * 4;
        if (!comes_true([&] { return begun >= last_of_its_four; })) ++alone;
        --in_hand;
        return x;
    });
    std::vector<int> all;
    for (int x : (std::views::iota(0, 8) | slow).results()) all.push_back(x);
    CHECK(all.size() == 8);
    CHECK(most == 4);
    CHECK(alone == 0);
}

TEST_CASE("slow items of one burst are spread evenly", "[contract][running]") {
    auto source = stage([]() -> generator<int> {
        for (int i = 0; i < 12; ++i) co_yield i;
    });
    std::vector<int> share(4);
    std::atomic<int> begun{0};
    std::atomic<int> alone{0};
    auto count = stage({.workers = 4}, [&](Input<int> items) -> generator<std::size_t> {
        for ([[maybe_unused]] int x : items) {
            // Waits until each of the four workers has an item.
            const int last_of_its_four = (++begun + 3) / 4 * 4;
            if (!comes_true([&] { return begun >= last_of_its_four; })) ++alone;
            co_yield this_worker::index();
        }
    });
    for (std::size_t worker : (source | count).results()) ++share[worker];
    CHECK(alone == 0);
    CHECK(share == std::vector{3, 3, 3, 3});
}

TEST_CASE("a worker that is blocked by an item leaves all other items to its siblings",
          "[contract][running]") {
    const std::size_t workers = GENERATE(2U, 4U);
    const int stuck_with = GENERATE(0, 7, 99);
    constexpr int count = 100;
    std::latch others_done(count - 1);
    auto work = stage({.workers = workers}, [&](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == stuck_with) {
                others_done.wait();
            } else {
                std::this_thread::sleep_for(100us);  // slow from the start: takes no items ahead
                others_done.count_down();
            }
            co_yield x;
        }
    });
    std::vector<int> all;
    for (int x : (std::views::iota(0, count) | work).results()) all.push_back(x);
    CHECK(all.size() == count);
}

TEST_CASE("a worker that is blocked after many fast items leaves all other items to its siblings",
          "[contract][running]") {
    // By then the worker has taken items ahead; its siblings must be able to get them.
    const std::size_t workers = GENERATE(2U, 4U);
    constexpr int count = 10000;
    const int stuck_with = GENERATE(5000, 9000, 9990);
    std::latch others_done(count - 1);
    auto work = stage({.workers = workers}, [&](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == stuck_with)
                others_done.wait();
            else
                others_done.count_down();
            co_yield x;
        }
    });
    std::vector<int> times(count);
    for (int x : (std::views::iota(0, count) | work).results())
        ++times[static_cast<std::size_t>(x)];
    CHECK(std::count(times.begin(), times.end(), 1) == count);
}

TEST_CASE("a blocked worker leaves all other items to its siblings even if the items convert",
          "[contract][running]") {
    constexpr int count = 10000;
    const int stuck_with = GENERATE(5000, 9000, 9990);
    std::latch others_done(count - 1);
    auto work = stage({.workers = 2}, [&](Input<long> items) -> generator<int> {
        for (long x : items) {
            if (x == stuck_with)
                others_done.wait();
            else
                others_done.count_down();
            co_yield 1;
        }
    });
    int results = 0;
    for (int x : (std::views::iota(0, count) | pass() | work).results()) results += x;
    CHECK(results == count);
}

TEST_CASE("all workers of a stage can hold an item at the same time", "[contract][running]") {
    constexpr int workers = 9;
    std::latch together(workers);
    auto meet = map_stage({.workers = workers}, [&](int x) {
        if (x < workers) together.arrive_and_wait();  // returns when nine workers have an item each
        return x;
    });
    int count = 0;
    for ([[maybe_unused]] int x : (std::views::iota(0, 30) | meet).results()) ++count;
    CHECK(count == 30);
}

TEST_CASE("an idle worker wakes for each of several items yielded at once", "[contract][running]") {
    // In each round all three workers sleep before it and are needed in it.
    constexpr int rounds = 200;
    std::binary_semaphore next(0);
    std::atomic<int> inside{0};
    std::atomic<int> round_done{0};
    auto source = stage([&]() -> generator<int> {
        for (int round = 1; round <= rounds; ++round) {
            for (int i = 0; i < 3; ++i) co_yield round;
            next.acquire();
        }
    });
    auto meet = stage({.workers = 3}, [&](Input<int> items) -> generator<int> {
        for (int round : items) {
            ++inside;
            if (inside == 3 * round) {
                round_done = round;
                round_done.notify_all();
            }
            for (int seen = round_done; seen < round; seen = round_done) round_done.wait(seen);
            co_yield round;
        }
    });
    int count = 0;
    for ([[maybe_unused]] int x : (source | meet).results())
        if (++count % 3 == 0) next.release();
    CHECK(count == 3 * rounds);
}

// ---- threads -----------------------------------------------------------------------------------

TEST_CASE("each worker has a thread of its own, different from the consumer's", "[contract][running]") {
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::latch all_here(5);
    const auto note = [&] {
        {
            const std::lock_guard lock(mutex);
            ids.insert(std::this_thread::get_id());
        }
        all_here.arrive_and_wait();
    };
    auto source = stage({.workers = 2}, [note]() -> generator<int> {
        note();
        co_yield 1;
    });
    auto sink = stage({.workers = 3}, [note](Input<int> items) {
        note();
        for ([[maybe_unused]] int x : items) {
        }
    });
    (source | sink).execute();
    CHECK(ids.size() == 5);
    CHECK(ids.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("results() starts all workers at once, before the consumer iterates", "[contract][running]") {
    std::latch started(5);
    auto source = stage({.workers = 2}, [&]() -> generator<int> {
        started.count_down();
        co_yield 1;
    });
    auto next = stage({.workers = 3}, [&](Input<int> items) -> generator<int> {
        started.count_down();
        for (int x : items) co_yield x;
    });
    auto results = (source | next).results();
    CHECK(comes_true([&] { return started.try_wait(); }));
}

TEST_CASE("the operating system sees the workers' names", "[contract][running]") {
    std::latch look(1);
    auto source = stage({.workers = 2, .name = "fetch"}, [&]() -> generator<int> {
        look.wait();
        co_yield 1;
    });
    auto unnamed = pass(1);
    auto longer = pass(2).setup({.name = "a_name_that_is_too_long"});
    auto results = (source | unnamed | longer).results();
    CHECK(comes_true([] { return support::has_thread("fetch-0"); }));
    CHECK(comes_true([] { return support::has_thread("fetch-1"); }));
    CHECK(comes_true([] { return support::has_thread("stage_1-0"); }));
    CHECK(comes_true([] {  // a long name is cut before the index
        const auto names = support::thread_names();
        return std::count_if(names.begin(), names.end(), [](const std::string& name) {
                   return name.starts_with("a_name_that") && name.ends_with("-1");
               }) == 1;
    }));
    look.count_down();
}

TEST_CASE("the thread of a range on the left is called source", "[contract][running]") {
    std::latch look(1);
    auto numbers = std::views::iota(0, 3) | std::views::transform([&](int i) {
                       look.wait();
                       return i;
                   });
    auto results = (numbers | pass()).results();
    CHECK(comes_true([] { return support::has_thread("source-0"); }));
    CHECK(comes_true([] { return support::has_thread("stage_0-0"); }));
    look.count_down();
}

TEST_CASE("the consumer's thread keeps its name", "[contract][running]") {
    const auto before = support::thread_names();
    for ([[maybe_unused]] int x : (std::views::iota(0, 3) | pass()).results()) {
    }
    CHECK(support::thread_names().front() == before.front());
}

TEST_CASE("waiting costs no CPU", "[contract][running]") {
    // Nine workers: some wait for items, some for slots, and the consumer does not read.
    std::latch stop(1);
    auto source = stage({.workers = 3, .qsize = 1}, [&]() -> generator<int> {
        if (this_worker::index() == 0) {
            stop.wait();
        } else {
            for (;;) co_yield 1;
        }
    });
    auto stuck = stage({.workers = 2, .qsize = 1}, [](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    auto idle_source = stage([&]() -> generator<int> {
        stop.wait();
        co_yield 1;
    });
    auto full = (source | stuck).results();
    auto empty = (idle_source | pass(4)).results();
    std::jthread consumer([&] {
        for ([[maybe_unused]] int x : empty) {
        }
    });
    const bool rests = comes_to_rest();
    stop.count_down();
    full.cancel();
    CHECK(rests);
}

TEST_CASE("waiting for an earlier result or for another attempt costs no CPU",
          "[contract][running]") {
    std::latch stop(1);
    // The first item is blocked: the siblings have results that can neither leave nor be parked.
    auto held = map_stage({.workers = 4, .qsize = 1, .ordered = true}, [&](int x) {
        if (x == 0) stop.wait();
        return x;
    });
    auto fails = map_stage({.retry = Retry{.backoff = 1h}}, [](int x) -> int { throw x; });
    auto ordered = (std::views::iota(0) | held).results();
    auto again = (std::views::iota(0) | fails).results();
    const bool rests = comes_to_rest();
    stop.count_down();
    CHECK(rests);
}

// ---- results() and execute() -------------------------------------------------------------------

TEST_CASE("execute() runs to the end and returns the last result", "[contract][running]") {
    std::atomic<int> seen{0};
    auto count = map_stage([&](int x) {
        ++seen;
        return x;
    });
    CHECK((std::views::iota(0, 5000) | count).execute() == 4999);
    CHECK(seen == 5000);
}

TEST_CASE("execute() without a result throws NoResultError", "[contract][running]") {
    auto nothing = stage([](Input<int> items) -> generator<int> {
        for ([[maybe_unused]] int x : items) {
        }
        co_return;
    });
    CHECK_THROWS_AS((std::views::iota(0, 5) | nothing).execute(), NoResultError);
    CHECK_THROWS_AS((std::vector<int>() | pass()).execute(), NoResultError);
    int count = 0;
    for ([[maybe_unused]] int x : (std::views::iota(0, 5) | nothing).results()) ++count;
    CHECK(count == 0);
}

TEST_CASE("execute() of a sink runs it to its end", "[contract][running]") {
    std::atomic<long> sum{0};
    auto sink = stage({.workers = 3}, [&](Input<int> items) {
        for (int x : items) sum += x;
    });
    (std::views::iota(0, 1000) | sink).execute();
    CHECK(sum == 499500);
}

TEST_CASE("a single source has results() and execute()", "[contract][running]") {
    const auto source = stage([]() -> generator<int> {
        co_yield 1;
        co_yield 2;
    });
    std::vector<int> all;
    for (int x : source.results()) all.push_back(x);
    CHECK(all == std::vector{1, 2});
    CHECK(source.execute() == 2);
    std::stop_source never;
    CHECK(source.execute(never.get_token()) == 2);
}

TEST_CASE("a const pipeline runs again and again, also after errors and after a break",
          "[contract][running]") {
    std::atomic<bool> fail{false};
    const auto pipe =
        std::vector{1, 2, 3} | stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
            for (int x : items) {
                if (fail) throw 7;
                co_yield x;
            }
        });
    for (int round = 0; round < 30; ++round) {
        fail = round % 3 == 1;
        int sum = 0;
        if (fail) {
            CHECK_THROWS_AS(pipe.execute(), TaskException);
        } else if (round % 3 == 2) {
            for ([[maybe_unused]] int x : pipe.results()) break;
        } else {
            for (int x : pipe.results()) sum += x;
            CHECK(sum == 6);
        }
    }
}

TEST_CASE("runs of one pipeline do not affect each other", "[contract][running]") {
    // A mutable callable: each worker of each run has a copy of its own.
    auto number = stage([n = 0](Input<int> items) mutable -> generator<int> {
        for ([[maybe_unused]] int x : items) co_yield n++;
    });
    const auto pipe = std::vector<int>(100) | number;
    auto one = pipe.results();
    auto two = pipe.results();
    auto a = one.begin();
    auto b = two.begin();
    for (int i = 0; i < 100; ++i, ++a, ++b) {
        CHECK(*a == i);
        CHECK(*b == i);
    }
    CHECK(a == one.end());
    CHECK(b == two.end());
}

TEST_CASE("one pipeline runs from several threads at once", "[contract][running]") {
    const auto pipe = std::views::iota(0, 500) | pass(3) | pass(2);
    std::vector<long> sums(6);
    {
        std::vector<std::jthread> threads;
        for (long& sum : sums)
            threads.emplace_back([&pipe, &sum] {
                for (int round = 0; round < 5; ++round)
                    for (int x : pipe.results()) sum += x;
            });
    }
    CHECK(sums == std::vector<long>(6, 5L * 499 * 500 / 2));
}

TEST_CASE("a run outlives the pipeline object that started it", "[contract][running]") {
    std::optional<Pipeline<void, int>> pipe(std::vector{1, 2, 3} | pass(2));
    auto results = pipe->results();
    pipe.reset();
    int sum = 0;
    for (int x : results) sum += x;
    CHECK(sum == 6);
}

TEST_CASE("a pipeline runs inside a worker of another", "[contract][running]") {
    auto inner = stage({.workers = 2}, [](Input<int> items) -> generator<int> {
        for (int x : items) {
            const std::string_view outer = this_worker::stage_name();
            for (int y :
                 (std::views::iota(0, x) | map_stage([](int z) { return z + 1; })).results())
                co_yield y;
            if (this_worker::stage_name() != outer) throw 1;
        }
    });
    int sum = 0;
    for (int x : (std::views::iota(0, 20) | inner).results()) sum += x;
    CHECK(sum == 1330);  // 1 + (1 + 2) + ... + (1 + ... + 19)
}

TEST_CASE("a stage that runs a pipeline over its input is unwound there when its own run stops",
          "[contract][running]") {
    // Code after the inner loop must not run: it would take a part of the items for all of them.
    const auto same = map_stage({.workers = 2}, [](int x) { return x; });
    const auto sum = reduce(0, [](int a, int b) { return a + b; });
    std::atomic<int> loops_ended{0};
    std::vector<Stage<int, void>> sinks;
    sinks.push_back(stage([&](Input<int> in) {
        for (int x : (std::move(in) | same).results()) std::ignore = x;
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        for (int x : (std::move(in) | same | same).results(inline_run)) std::ignore = x;
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        std::ignore = (std::move(in) | same).collect();
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        std::ignore = (std::move(in) | same | sum).execute();
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        (std::move(in) | for_each({.workers = 2}, [](int) {})).execute();
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        (std::move(in) | for_each([](int) {})).execute(inline_run);
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        for (int x : fuse({.workers = 2}, std::move(in) | same | same).results()) std::ignore = x;
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        const auto twice = stage([](Input<int> items) -> generator<int> {
            for (int x : items) co_yield x;
        });
        for (int x : fuse(std::move(in) | twice | twice).results()) std::ignore = x;
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        for (int x : fuse(std::move(in) | same).results(inline_run)) std::ignore = x;
        ++loops_ended;
    }));
    sinks.push_back(stage([&](Input<int> in) {
        for (int x : (std::move(in) | map_stage({.workers = 2, .ordered = true}, [](int x) { return x; }))
                         .results())
            std::ignore = x;
        ++loops_ended;
    }));

    SECTION("because of an error") {
        const auto source = stage([]() -> generator<int> {
            for (int i = 0; i < 300; ++i) co_yield i;
            throw std::runtime_error("no more");
        });
        for (const auto& sink : sinks)
            for (int times = 0; times < 5; ++times) {
                CHECK_THROWS_WITH((source | sink).execute(),
                                  "The task \"stage_0-0\" raised std::runtime_error: no more");
                CHECK(loops_ended == 0);
            }
    }
    SECTION("because of a stop_token") {
        for (const auto& sink : sinks) {
            std::stop_source stop;
            const auto source = stage([&]() -> generator<int> {
                for (int i = 0;; ++i) {
                    if (i == 300) stop.request_stop();
                    co_yield i;
                }
            });
            CHECK_THROWS_AS((source | sink).execute(stop.get_token()), CancelledError);
            CHECK(loops_ended == 0);
        }
    }
    SECTION("but continues if its run ends normally") {
        for (const auto& sink : sinks) (std::views::iota(0, 300) | sink).execute();
        CHECK(loops_ended == static_cast<int>(sinks.size()));
    }
}

// ---- early return ------------------------------------------------------------------------------

TEST_CASE("when all workers return, an infinite source unwinds and the run ends normally",
          "[contract][running]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    std::atomic<int> destroyed{0};
    struct Guard {
        std::atomic<int>& destroyed;
        ~Guard() { ++destroyed; }
    };
    auto source = stage({.workers = 2, .qsize = qsize}, [&]() -> generator<int> {
        const Guard guard{destroyed};
        for (int i = 0;; ++i) co_yield i;
    });
    auto middle = stage({.workers = 3, .qsize = qsize}, [&](Input<int> items) -> generator<int> {
        const Guard guard{destroyed};
        for (int x : items) co_yield x;
    });
    auto few = stage({.workers = workers}, [](Input<int> items) -> generator<int> {
        int n = 0;
        for (int x : items) {
            co_yield x;
            if (++n == 10) co_return;
        }
    });
    int count = 0;
    for ([[maybe_unused]] int x : (source | middle | few | pass()).results()) ++count;
    CHECK(count == 10 * static_cast<int>(workers));
    CHECK(destroyed == 5);
}

TEST_CASE("when all workers return, stages before them end although they yield nothing",
          "[contract][running]") {
    auto few = filter({.workers = 2}, [](int x) { return x < 10; });
    auto one = stage([](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x;
            co_return;
        }
    });
    int count = 0;
    for (int x : (std::views::iota(0) | few | one).results()) count += x < 10;
    CHECK(count == 1);
}

TEST_CASE("a stage that never reads its input closes it", "[contract][running]") {
    auto ignore = stage({.workers = 2}, [](Input<int>) -> generator<int> { co_yield 1; });
    auto endless = std::views::iota(0) | pass(2);
    int count = 0;
    for (int x : (endless | ignore).results()) count += x;
    CHECK(count == 2);
    std::atomic<int> ran{0};
    (endless | stage([&](Input<int>) { ++ran; })).execute();
    CHECK(ran == 1);
}

TEST_CASE("items that a returning worker had not read reach its siblings", "[contract][running]") {
    // Short work per item, so the returning workers have taken items ahead.
    const int count = support::sanitized ? 4000 : 20000;
    for (int round = 0; round < 10; ++round) {
        auto read = stage({.workers = 4}, [](Input<int> items) -> generator<int> {
            int n = 0;
            for (int x : items) {
                co_yield x;
                if (this_worker::index() != 0 && ++n == 700) co_return;
            }
        });
        std::vector<int> times(static_cast<std::size_t>(count));
        for (int x : (std::views::iota(0, count) | read).results())
            ++times[static_cast<std::size_t>(x)];
        CHECK(std::count(times.begin(), times.end(), 1) == count);
    }
}

TEST_CASE("an item that a returning worker claimed but did not read reaches its siblings",
          "[contract][running]") {
    std::latch both(2);
    auto read = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        if (this_worker::index() == 1) {
            auto it = items.begin();
            const int mine = *it;  // read before the sibling takes all other items
            both.arrive_and_wait();
            co_yield mine;
            ++it;  // as std::views::take does before it ends
            co_return;
        }
        bool first = true;
        for (int x : items) {
            if (std::exchange(first, false)) both.arrive_and_wait();
            co_yield x;
        }
    });
    int count = 0;
    for ([[maybe_unused]] int x : (std::views::iota(0, 100) | read).results()) ++count;
    CHECK(count == 100);
}

TEST_CASE("a waiting sibling gets the items that a worker gives back at the end of the stream",
          "[contract][running]") {
    // Worker 1 holds the rest of the stream while worker 0 finds the queue empty and ended.
    for (int round = 0; round < (support::sanitized ? 20 : 100); ++round) {
        auto read = stage({.workers = 2}, [](Input<int> items) -> generator<int> {
            int n = 0;
            for (int x : items) {
                co_yield x;
                if (this_worker::index() == 1 && ++n == 300) {
                    std::this_thread::yield();
                    co_return;
                }
            }
        });
        int count = 0;
        for ([[maybe_unused]] int x : (std::views::iota(0, 1000) | read).results()) ++count;
        CHECK(count == 1000);
    }
}

TEST_CASE("the stage after one that returned early still gets all of its results", "[contract][running]") {
    auto few = stage([](Input<int> items) -> generator<int> {
        int n = 0;
        for (int x : items) {
            co_yield x;
            if (++n == 100) co_return;
        }
    });
    std::vector<int> all;
    for (int x : (std::views::iota(0) | few | pass() | pass()).results()) all.push_back(x);
    CHECK(all.size() == 100);
    CHECK(all.back() == 99);
}

TEST_CASE("early return wakes an earlier worker that waits in user code", "[contract][running]") {
    std::atomic<int> woken{0};
    auto source = stage([&]() -> generator<int> {
        co_yield 1;
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        if (!never.wait(lock, this_worker::stop_token(), [] { return false; })) ++woken;
        co_yield 2;
    });
    auto wait_too = stage([&](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x;
            std::mutex mutex;
            std::condition_variable_any never;
            std::unique_lock lock(mutex);
            if (!never.wait(lock, this_worker::stop_token(), [] { return false; })) ++woken;
        }
    });
    auto first = stage([](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x;
            co_return;
        }
    });
    CHECK((source | wait_too | first).execute() == 1);
    CHECK(woken == 2);
}

TEST_CASE("early return does not stop the workers after it", "[contract][running]") {
    std::atomic<bool> stopped{false};
    auto first = stage([](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x;
            co_return;
        }
    });
    auto after = stage([&](Input<int> items) -> generator<int> {
        int sum = 0;
        for (int x : items) sum += x;
        stopped = this_worker::stop_token().stop_requested();
        co_yield sum;
    });
    CHECK((std::vector{7, 8} | first | after).execute() == 7);
    CHECK(!stopped);
}

}  // namespace contract_running_tests
