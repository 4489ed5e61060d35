#include <parallelpipe/observe/monitor.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/snapshot.hpp"
#include "support/thread_limit.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

// Monitor: statistics from other threads, samples, callbacks, the watchdog.
namespace monitor_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::comes_true;
using support::Snapshot;

namespace {

Pipeline<void, int> numbers(int end) {
    return std::views::iota(0, end) | map_stage({.name = "same"}, [](int x) { return x; });
}

/// A pipeline that waits at each item until `go` is released or the run is stopped.
Pipeline<void, int> stuck(std::counting_semaphore<>& go, int end = 100) {
    return std::views::iota(0, end) | map_stage({.name = "stuck"}, [&go](int x) {
               while (!go.try_acquire_for(1ms))
                   if (this_worker::stop_token().stop_requested()) break;
               return x;
           });
}

/// An endless source.
Stage<void, int> endless() {
    return Stage<void, int>([]() -> generator<int> {
               for (int i = 0;; ++i) co_yield i;
           })
        .setup({.name = "endless"});
}

long sum_of_all(Results<int>& results) {
    long sum = 0;
    for (int x : results) sum += x;
    return sum;
}
long sum_of(Results<int> results) { return sum_of_all(results); }

/// Returns: the message of the exception that `run` throws; empty without one.
std::string error_of(const std::function<void()>& run) {
    try {
        run();
    } catch (const TaskException& e) {
        return e.what();
    }
    return "no error";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// Checks that the monitor still works for another run.
void check_works(Monitor& monitor) {
    CHECK(sum_of(numbers(10).results(monitor)) == 45);
    CHECK(monitor.stats().consumer.items == 10);
}

}  // namespace

TEST_CASE("a monitor has no statistics before its first run and all of them after its end",
          "[monitor]") {
    Monitor monitor;
    CHECK(monitor.stats().stages.empty());
    CHECK_FALSE(monitor.stats().has_ended);
    CHECK(sum_of(numbers(1000).results(monitor)) == 999 * 500);
    for (const std::uint64_t items : {1000u, 10u}) {
        const Statistics all = monitor.stats();
        REQUIRE(all.stages.size() == 2);
        CHECK(all.has_ended);
        CHECK(all.stages[0].items_out == items);
        CHECK(all.stages[1].items_in == items);
        CHECK(all.consumer.items == items);
        CHECK(all.consumer.activity == Activity::ended);
        CHECK(all.stages[1].each[0].activity == Activity::ended);
        CHECK(all.samples.empty());
        // The next run replaces its statistics.
        CHECK(numbers(10).execute(monitor) == 9);
    }
}

TEST_CASE("a monitor works with every way to run", "[monitor]") {
    Monitor monitor;
    monitor.record();
    const auto took = [&](std::uint64_t items) {
        const Statistics all = monitor.stats();
        CHECK(all.has_ended);
        CHECK(all.stages.back().items_in + all.stages.back().items_out >= items);
        CHECK(all.samples.size() >= 2);
    };
    const std::stop_token token = std::stop_source().get_token();
    const auto pipe = numbers(20);
    CHECK(pipe.execute(monitor) == 19);
    took(20);
    CHECK(pipe.execute(monitor, token) == 19);
    CHECK(sum_of(pipe.results(monitor, token)) == 190);
    int sum = 0;
    pipe.for_each([&](int x) { sum += x; }, monitor);
    pipe.for_each([&](int x) { sum += x; }, monitor, token);
    CHECK(sum == 380);
    CHECK(pipe.collect(monitor).size() == 20);
    CHECK(pipe.collect<std::set<int>>(monitor, token).size() == 20);
    took(20);

    const auto alone = stage([]() -> generator<int> {
        for (int i = 0; i < 5; ++i) co_yield i;
    });
    CHECK(alone.execute(monitor) == 4);
    took(5);
    CHECK(sum_of(alone.results(monitor)) == 10);
    alone.for_each([&](int x) { sum -= x; }, monitor);
    CHECK(sum == 370);
    CHECK(alone.collect(monitor).size() == 5);
    CHECK(alone.collect<std::set<int>>(monitor).size() == 5);

    std::atomic<int> stored{0};
    (pipe | for_each({.workers = 2}, [&](int x) { stored += x; })).execute(monitor);
    CHECK(stored == 190);
    const Statistics sink = monitor.stats();
    CHECK(sink.has_ended);
    CHECK(sink.stages.back().items_in == 20);
    CHECK(sink.consumer.activity == Activity::not_started);
    CHECK(sink.samples.back().items_out.back() == 20);  // the items that the sink has taken
}

TEST_CASE("a monitor shows from any thread what each worker does during the run", "[monitor]") {
    Monitor monitor;
    monitor.record(1ms);
    std::counting_semaphore<> go(0);
    auto results = stuck(go, 100'000).results(monitor);
    const auto stands = [&] {
        const Statistics now = monitor.stats();
        return now.stages[0].each[0].activity == Activity::waiting_for_room &&
               now.stages[0].each[0].waiting_since.count() > 0 &&
               now.stages[1].each[0].activity == Activity::busy &&
               now.stages[1].each[0].waiting_since.count() == 0 &&
               now.consumer.activity == Activity::busy && now.samples.size() > 3;
    };
    std::atomic<int> seen{0};
    {
        std::jthread one([&] { seen += comes_true(stands); });
        std::jthread another([&] { seen += comes_true(stands); });
    }
    CHECK(seen == 2);
    std::jthread looker([&] {
        seen += comes_true(
            [&] { return monitor.stats().consumer.activity == Activity::waiting_for_input; });
        go.release(100);
    });
    CHECK(*results.begin() == 0);
    looker.join();
    CHECK(seen == 3);
    go.release(1'000'000);
    CHECK(sum_of(std::move(results)) == 99'999L * 50'000);
    const Statistics all = monitor.stats();
    for (std::size_t i = 1; i < all.samples.size(); ++i) {
        if (all.samples[i].at < all.samples[i - 1].at) FAIL("the time decreases");
        if (all.samples[i].items_out[1] < all.samples[i - 1].items_out[1]) FAIL("a count decreases");
    }
    CHECK(all.samples.front().items_out[1] == 0);
    CHECK(all.samples.back().items_out[1] == 100'000);
}

TEST_CASE("a monitor watches one run at a time, and a second run does not start",
          "[monitor]") {
    Monitor monitor;
    monitor.record();
    std::vector<std::unique_ptr<int>> once;
    once.push_back(std::make_unique<int>(7));
    const auto single =
        std::move(once) | map_stage([](const std::unique_ptr<int>& item) { return *item; });
    {
        auto results = endless().results(monitor);
        CHECK_THROWS_AS(single.results(monitor), std::logic_error);
        CHECK_THROWS_AS(numbers(3).execute(monitor), std::logic_error);
        CHECK_THROWS_AS(monitor.record(), std::logic_error);
        CHECK_THROWS_AS(monitor.cancel_on_stall(1s), std::logic_error);
        CHECK(*results.begin() == 0);
    }
    CHECK(monitor.stats().has_ended);
    CHECK(single.execute(monitor) == 7);
    // The single-pass range is used up.
    CHECK_THROWS_AS(single.execute(monitor), std::logic_error);
    check_works(monitor);

    // After the end of a run another may start, even if the Results still exist.
    auto results = numbers(3).results(monitor);
    for ([[maybe_unused]] int x : results) continue;
    check_works(monitor);
    CHECK_FALSE(results.stats().samples.size() > 0);
    CHECK_NOTHROW(monitor.record().on_progress(1h, nullptr));
}

TEST_CASE("a monitor refuses intervals that are not positive", "[monitor]") {
    Monitor monitor;
    CHECK_THROWS_AS(monitor.record(0s), std::invalid_argument);
    CHECK_THROWS_AS(monitor.on_progress(-1s, [](const Statistics&) {}), std::invalid_argument);
    CHECK_THROWS_AS(monitor.on_stall(0s), std::invalid_argument);
    CHECK_THROWS_AS(monitor.cancel_on_stall(0s), std::invalid_argument);
    monitor.record(std::chrono::nanoseconds::max()).on_stall(std::chrono::nanoseconds::max());
    check_works(monitor);
}

TEST_CASE("a monitor shows a run that ends early until its end", "[monitor]") {
    const std::size_t threads = support::threads_at_rest();
    Monitor monitor;
    monitor.trace().on_stall(1h);
    SECTION("by break") {
        for (int x : endless().results(monitor))
            if (x == 10) break;
    }
    SECTION("by cancel") {
        auto results = endless().results(monitor);
        results.cancel();
        CHECK(monitor.stats().has_ended);
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    SECTION("by a stop token") {
        std::stop_source source;
        source.request_stop();
        CHECK_THROWS_AS(endless().execute(monitor, source.get_token()), CancelledError);
    }
    SECTION("by an error") {
        const auto pipe = numbers(5) | map_stage({.name = "fails"}, [](int x) {
                              return x == 3 ? throw std::runtime_error("three") : x;
                          });
        CHECK(error_of([&] { pipe.execute(monitor); }) ==
              "The task \"fails-0\" raised std::runtime_error: three");
    }
    CHECK(comes_true([&] { return support::thread_count() == threads; }));
    CHECK(monitor.stats().has_ended);
    CHECK_FALSE(monitor.stats().samples.empty());
    check_works(monitor);
}

TEST_CASE("a run with a monitor that cannot start its threads leaks nothing", "[monitor]") {
    const std::size_t threads = support::threads_at_rest();
    Monitor monitor;
    monitor.record();
    bool refused = true;
    for (int allowed = 0; refused; ++allowed) {
        {
            const support::ThreadLimit limit(allowed);
            try {
                numbers(3).execute(monitor);
            } catch (const std::system_error&) {
            }
            refused = limit.reached();
        }
        CHECK(comes_true([&] { return support::thread_count() == threads; }));
        REQUIRE(allowed <= 3);
    }
    check_works(monitor);
}

TEST_CASE("a run may outlive its monitor", "[monitor]") {
    const bool is_over = GENERATE(false, true);
    std::atomic<int> calls{0};
    std::optional<Results<int>> results;
    long sum = 0;
    int calls_then = 0;
    {
        Monitor monitor;
        monitor.trace(4).on_progress(1ms, [&](const Statistics&) { ++calls; }).on_stall(1h);
        results.emplace(numbers(5'000).results(monitor));
        if (is_over)
            for (int x : *results) sum += x;
        else
            sum += *results->begin();
    }
    calls_then = calls;
    for (int x : *results) sum += x;
    for (int i = 0; i < 50; ++i)
        for (int x : *results) sum += x;  // no results after the end
    CHECK(sum == 4'999L * 2'500);
    CHECK(results->stats().has_ended);
    CHECK(results->stats().consumer.items == 5'000);
    results.reset();
    support::give_it_a_chance();
    CHECK(calls == calls_then);
}

TEST_CASE("a callback may destroy its run and its monitor", "[monitor]") {
    struct Watched {
        Monitor monitor;
        std::optional<Results<int>> results;
    };
    const std::size_t threads = support::threads_at_rest();
    auto watched = std::make_unique<Watched>();
    std::atomic<bool> is_there{false};
    std::atomic<bool> is_gone{false};
    std::atomic<int> calls{0};
    const bool throws = GENERATE(false, true);
    watched->monitor.record(1ms).on_progress(1ms, [&, throws](const Statistics&) {
        if (!is_there) return;
        ++calls;
        watched.reset();
        is_gone = true;
        if (throws) throw std::runtime_error("gone");
    });
    watched->results.emplace(endless().results(watched->monitor));
    is_there = true;
    CHECK(comes_true([&] { return is_gone.load(); }));
    CHECK(comes_true([&] { return support::thread_count() == threads; }));
    CHECK(calls == 1);
}

TEST_CASE("a monitor that watches another run does not affect the results of the previous run",
          "[monitor][trace]") {
    Monitor monitor;
    monitor.trace(4);
    auto first = numbers(5).results(monitor);
    CHECK(sum_of_all(first) == 10);
    CHECK(numbers(7).execute(monitor) == 6);
    for (int i = 0; i < 50; ++i)
        CHECK(sum_of_all(first) == 0);  // has no more results
    CHECK(monitor.stats().consumer.items == 7);
    first.cancel();
    std::optional<Results<int>> second(numbers(9).results(monitor));
    CHECK(*second->begin() == 0);
    { const auto gone = std::move(first); }  // destroyed while the monitor watches the other run
    CHECK(monitor.stats().stages.size() == 2);
    CHECK_FALSE(monitor.stats().consumer.activity == Activity::ended);
    second.reset();
    check_works(monitor);
}

TEST_CASE("every report works for a run that failed to start", "[monitor][trace]") {
    const bool other_before = GENERATE(false, true);
    bool refused = true;
    for (int allowed = 0; refused; ++allowed) {
        Monitor monitor;
        monitor.trace(4).on_progress(1h, [](const Statistics&) {});
        if (other_before)
            (std::views::iota(0, 5) | filter([](int) { return true; })).execute(monitor);
        {
            const support::ThreadLimit limit(allowed);
            try {
                numbers(3).execute(monitor);
            } catch (const std::system_error&) {
            }
            refused = limit.reached();
        }
        const Statistics stats = monitor.stats();
        CHECK(stats.has_ended);
        REQUIRE(stats.stages.size() == 2);
        CHECK(stats.stages[1].name == "same");
        CHECK_FALSE(report(stats).empty());
        CHECK_FALSE(explain(stats).text.empty());
        std::ostringstream trace, page;
        write_trace(trace, monitor);
        CHECK(has(trace.str(), "results"));
        CHECK(has(trace.str(), "same-0") == !refused);
        write_html(page, stats);
        CHECK(has(page.str(), "same"));
        CHECK(has(to_json(stats), "same"));
        REQUIRE(allowed <= 3);
        check_works(monitor);
    }
}

// ---- samples --------------------------------------------------------------------------------

TEST_CASE("there are never too many samples, and the first and the last are among them",
          "[monitor]") {
    detail::sample_log log(50ms, 100);
    Snapshot run(1ms);
    run.range("source", 0, {}).sink("store", 1, 0, {});
    const int count = GENERATE(1, 2, 99, 100, 101, 1'234, 10'000);
    for (int i = 0; i < count; ++i) {
        run.stats().elapsed = i * 50ms;
        run.stats().stages[0].items_out = static_cast<std::uint64_t>(i);
        run.stats().stages[1].items_in = static_cast<std::uint64_t>(i / 2);
        // As in the monitor: a sample when it is due, and one at the end.
        const auto& all = log.samples();
        if (all.empty() || i == count - 1 || run.stats().elapsed - all.back().at >= log.interval())
            log.add(run);
        if (log.samples().size() > 100) FAIL("too many");
    }
    const auto& samples = log.samples();
    CHECK(samples.size() >= static_cast<std::size_t>(std::min(count, 49)));
    CHECK(samples.front().at == 0ms);
    CHECK(samples.back().at == (count - 1) * 50ms);
    CHECK(samples.back().items_out[0] == static_cast<std::uint64_t>(count - 1));
    CHECK(samples.back().items_out[1] == static_cast<std::uint64_t>((count - 1) / 2));
    CHECK(samples.back().fill == std::vector<std::size_t>{0, 0});
}

TEST_CASE("of several samples at the same time only the last is kept", "[monitor]") {
    detail::sample_log log(50ms);
    Snapshot run(1s);
    run.range("source", 1, {});
    log.add(run);
    run.stats().elapsed = 2s;
    log.add(run);
    run.stats().stages[0].items_out = 5;
    run.stats().elapsed = 1900ms;  // the end of the workers, noticed later
    log.add(run);
    REQUIRE(log.samples().size() == 2);
    CHECK(log.samples()[1].at == 2s);
    CHECK(log.samples()[1].items_out[0] == 5);
}

// ---- callbacks ------------------------------------------------------------------------------

TEST_CASE("on_progress is called during the run and once at the end, never concurrently",
          "[monitor]") {
    Monitor monitor;
    std::counting_semaphore<> go(0);
    std::atomic<int> inside{0};
    std::atomic<bool> overlaps{false};
    std::vector<Statistics> told;
    monitor.on_progress(1ms, [&](const Statistics& now) {
        if (++inside != 1) overlaps = true;
        told.push_back(now);
        if (monitor.stats().stages.size() != 2) overlaps = true;  // the callback may ask too
        if (told.size() == 3) go.release(100);
        --inside;
    });
    stuck(go).execute(monitor);
    CHECK_FALSE(overlaps);
    REQUIRE(told.size() >= 4);
    CHECK_FALSE(told[0].has_ended);
    CHECK(told.back().has_ended);
    CHECK(told.back().consumer.items == 100);
}

TEST_CASE("an exception of a callback ends the run as an error of the task monitor-0", "[monitor]") {
    Monitor monitor;
    int calls = 0;
    const auto throws = [&](const Statistics&) {
        ++calls;
        throw std::invalid_argument("no more");
    };
    monitor.on_progress(1ms, throws);
    CHECK(error_of([&] { endless().execute(monitor); }) ==
          "The task \"monitor-0\" raised std::invalid_argument: no more");
    CHECK(calls == 1);
    // The last call comes after the last result and before the end of the loop.
    monitor.on_progress(1h, throws);
    CHECK(error_of([&] { numbers(3).execute(monitor); }) ==
          "The task \"monitor-0\" raised std::invalid_argument: no more");
    std::atomic<int> stored{0};
    const auto sink = numbers(3) | for_each([&](int x) { stored += x; });
    CHECK(error_of([&] { sink.execute(monitor); }) ==
          "The task \"monitor-0\" raised std::invalid_argument: no more");
    CHECK(stored == 3);
    monitor.on_progress(1h, nullptr);
    check_works(monitor);
}

TEST_CASE("a callback may cancel its run, or destroy it", "[monitor]") {
    Monitor monitor;
    std::optional<Results<int>> results;
    std::atomic<bool> is_there{false};
    std::atomic<bool> is_done{false};
    const bool destroys = GENERATE(false, true);
    monitor.record(1ms).on_progress(1ms, [&](const Statistics&) {
        if (!is_there || is_done) return;
        destroys ? results.reset() : results->cancel();
        is_done = true;
    });
    results.emplace(endless().results(monitor));
    is_there = true;
    CHECK(comes_true([&] { return is_done.load(); }));
    CHECK(comes_true([&] { return monitor.stats().has_ended; }));
    if (!destroys) {
        CHECK_THROWS_AS(results->begin() == results->end(), CancelledError);
        results.reset();
    }
    check_works(monitor);
}

TEST_CASE("a worker may cancel a run that is watched", "[monitor]") {
    Monitor monitor;
    std::atomic<Results<int>*> target{nullptr};
    auto pipe = endless() | map_stage([&](int x) {
                    if (Results<int>* const results = target) results->cancel();
                    return x;
                });
    std::atomic<int> calls{0};
    monitor.on_progress(1ms, [&](const Statistics&) { ++calls; });
    auto results = pipe.results(monitor);
    target = &results;
    CHECK_THROWS_AS(
        [&] {
            for ([[maybe_unused]] int x : results) continue;
        }(),
        CancelledError);
    CHECK(calls >= 1);
    CHECK(monitor.stats().has_ended);
}

// ---- the watchdog ---------------------------------------------------------------------------

TEST_CASE("a stall is reported once for each time without progress", "[monitor][stall]") {
    using time = detail::stall_detector::time;
    const time start{};
    detail::stall_detector still(start);
    const std::optional<std::chrono::nanoseconds> after = 10s, never;
    still.look(true, start + 1s);
    CHECK_FALSE(still.is_to_be_told(after));
    still.look(false, start + 10s);
    CHECK_FALSE(still.is_to_be_told(after));
    still.look(false, start + 11s);
    CHECK(still.time_still() == 10s);
    CHECK_FALSE(still.is_to_be_told(never));
    CHECK(still.is_to_be_told(after));
    CHECK(still.is_to_be_cancelled(after));
    still.look(false, start + 30s);
    CHECK_FALSE(still.is_to_be_told(after));
    still.look(true, start + 31s);
    CHECK_FALSE(still.is_to_be_told(after));
    still.look(false, start + 41s);
    CHECK(still.is_to_be_told(after));
    CHECK_FALSE(still.is_to_be_cancelled(after));
}

TEST_CASE("the report of a stall names the worker that others wait for, and comes again after progress",
          "[monitor][stall]") {
    Monitor monitor;
    std::counting_semaphore<> go(0);
    int reports = 0;
    monitor.on_stall(10ms, [&](const std::string& text) {
        // On a loaded machine a thread that has not started is a stall too.
        if (!has(text,
                 ". stuck-0 has been in its stage function all the time; everything else "
                 "waits for it.\n"))
            return;
        ++reports;
        go.release();
    });
    CHECK(stuck(go, 3).execute(monitor) == 2);
    CHECK(reports >= 3);
}

TEST_CASE("the watchdog ends a stalled run", "[monitor][stall]") {
    Monitor monitor;
    monitor.cancel_on_stall(20ms);
    std::counting_semaphore<> go(0);
    try {
        stuck(go).execute(monitor);
        FAIL("no error");
    } catch (const TaskException& e) {
        CHECK(e.task() == "watchdog-0");
        CHECK(has(e.what(),
                  "The task \"watchdog-0\" raised parallelpipe::StallError: Nothing has "
                  "moved for "));
        CHECK_THROWS_AS(e.rethrow_cause(), StallError);
    }
    monitor.cancel_on_stall(1h);
    check_works(monitor);
}

TEST_CASE("the watchdog reports a consumer loop that hangs at a result", "[monitor][stall]") {
    Monitor monitor;
    std::atomic<bool> seen{false};
    monitor.on_stall(10ms, [&](const std::string& text) {
        if (!has(text,
                 "The loop that takes the results has not asked for the next one all the time"))
            return;
        seen = true;
        seen.notify_all();
    });
    for ([[maybe_unused]] int x : endless().results(monitor)) {
        seen.wait(false);
        break;
    }
    CHECK(seen);
}

TEST_CASE("slow items are no stall, though items are counted in bulk", "[monitor][stall]") {
    std::counting_semaphore<> go(0);
    std::atomic<int> done{0};
    // The worker of a sink takes all of these items at once.
    const auto pipe = std::views::iota(0, 10) | for_each({.name = "slow"}, [&](int) {
                          while (!go.try_acquire_for(1ms))
                              if (this_worker::stop_token().stop_requested()) return;
                          ++done;
                      });
    detail::run whole(pipe.stages());
    whole.start({});
    std::uint64_t mark = 0;
    for (int i = 1; i <= 10; ++i) {
        CHECK(comes_true([&] { return !whole.has_moved(mark); }));
        go.release();
        CHECK(comes_true([&] { return whole.has_moved(mark); }));
        CHECK(comes_true([&] { return done == i; }));
    }
    whole.finish();
}

// ---- processor time -------------------------------------------------------------------------

TEST_CASE("processor time is known while a worker, or the consumer, still computes", "[monitor]") {
    const auto known = [] { return detail::core_time_of(detail::this_thread_number()).cpu > 0; };
    if (!comes_true(known)) {
        WARN("this system does not report the processor time of threads");
        return;
    }
    Monitor monitor;
    std::atomic<bool> stop{false};
    auto burns = Stage<void, int>([&]() -> generator<int> {
        co_yield 1;
        while (!stop && !this_worker::stop_token().stop_requested()) continue;
    });
    std::uint64_t looks = 0;
    for ([[maybe_unused]] int x : burns.results(monitor)) {
        CHECK(comes_true([&] { return monitor.stats().stages[0].each[0].cpu.count() > 0; }));
        CHECK(comes_true([&] {
            for (int i = 0; i < 1'000; ++i) looks += monitor.stats().cores;
            return monitor.stats().consumer.cpu.count() > 0;
        }));
        stop = true;
    }
    CHECK(looks > 0);
    const Statistics all = monitor.stats();
    CHECK(all.stages[0].cpu.count() > 0);
    CHECK(all.consumer.cpu.count() > 0);
}

}  // namespace monitor_tests
