#include <parallelpipe/observe/explain.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ranges>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

// explain(): the verdict on what limits a run, for made-up statistics and real runs.
namespace explain_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::numbered;
using support::Snapshot;
using support::Spent;
using Kind = Verdict::Kind;

namespace {

void check(Kind kind, std::size_t stage, const Statistics& stats) {
    const Verdict verdict = explain(stats);
    INFO(verdict.text);
    CHECK(std::string(to_string(verdict.kind)) == to_string(kind));
    CHECK(verdict.stage == stage);
    CHECK(!verdict.text.empty());
    CHECK(verdict.text.back() == '.');
}

bool says(const Statistics& stats, const std::string& part) {
    const std::string text = explain(stats).text;
    UNSCOPED_INFO(text);
    return text.find(part) != std::string::npos;
}

/// Statistics of a chain of `stages` stages of one worker each. Stage number `limit` limits the run, with `workers`
/// workers that are busy for the share `load`; `limit == stages` is the consumer.
struct Chain {
    std::size_t stages = 3;
    std::size_t limit = 1;
    std::size_t workers = 1;
    double load = 0.97;
    double cpu = 0;  // CPU time per busy time, in all stages; 0: unknown
    std::size_t cores = 8;
    std::uint64_t items = 2000;
    std::chrono::nanoseconds elapsed = 2s;

    Snapshot made() const {
        Snapshot run(elapsed, cores);
        for (std::size_t i = 0; i < stages; ++i) {
            const std::uint64_t in = i == 0 ? 0 : items;
            const double rest = 1 - load;
            const Spent spent = i == limit  ? Spent{load, rest / 2, rest / 2, load * cpu}
                                : i < limit ? Spent{.1, .02, .87, .1 * cpu}
                                            : Spent{.1, .87, .02, .1 * cpu};
            run.stage(numbered("s", i), i == limit ? workers : 1, in, items, spent);
        }
        return run.consumer(items, limit == stages ? Spent{load, 1 - load, 0, load * cpu}
                                                   : Spent{.01, .95, 0, .01 * cpu});
    }
    operator Statistics() const { return made(); }
};

/// Returns: the snapshot after `change`.
Statistics with(Snapshot run, const std::function<void(Statistics&)>& change) {
    change(run.stats());
    return run;
}

constexpr std::size_t none = Verdict::no_stage;

}  // namespace

TEST_CASE("a run that has not begun, has no items or was very short is not explained",
          "[explain]") {
    check(Kind::too_early, none, Statistics());
    check(Kind::too_early, none, Snapshot(0ns));
    check(Kind::too_early, none, Snapshot(1s));
    check(Kind::too_early, none, Snapshot(0ns).stage("a", 1, 0, 0, {}));
    check(Kind::too_early, none, Snapshot(0ns).stage("a", 1, 5, 5, {}));
    check(Kind::too_early, none, Snapshot(-1ns).stage("a", 1, 5, 5, {1}));
    check(Kind::too_early, none, Snapshot(1s).stage("a", 1, 0, 0, {}));
    check(Kind::too_early, none, Snapshot(1s).stage("a", 1, 0, 0, {1}));
    check(Kind::too_early, none, Snapshot(1s).stage("a", 1, 0, 0, {1}).ended());
    check(Kind::too_early, none, Snapshot(1s).range("r", 0, {1}).sink("b", 2, 0, {0, 1}));
    check(Kind::too_early, none, Snapshot(1ns).stage("a", 1, 5, 5, {1}));
    check(Kind::too_early, none, Snapshot(4ms).stage("a", 1, 5, 5, {1}).ended());
    check(Kind::too_early, none, Chain{.elapsed = 4'999us});
    check(Kind::cpu_bound, 1, Chain{.items = 100, .elapsed = 5ms});
}

TEST_CASE("the verdict too_early states its reason", "[explain]") {
    CHECK(explain(Statistics()).text == "There is nothing to explain: the pipeline has no stages.");
    CHECK(explain(Snapshot(0ns).stage("a", 1, 0, 0, {})).text == "The run has not begun.");
    CHECK(explain(Snapshot(3s).stage("a", 1, 0, 0, {1})).text ==
          "Nothing has come out of stage a yet, after 3.00 s.");
    CHECK(explain(Snapshot(3s).stage("a", 1, 0, 0, {1}).ended()).text ==
          "The run ended after 3.00 s without an item.");
    CHECK(says(Chain{.elapsed = 2ms}, "The run began 2.00 ms ago: too short"));
    CHECK(says(Chain{.elapsed = 2ms}.made().ended(), "The run was over in 2.00 ms: too short"));
}

TEST_CASE("a run without times has no verdict", "[explain]") {
    for (std::size_t stages = 1; stages <= 6; ++stages)
        for (const bool has_ended : {false, true}) {
            Snapshot run(1s);
            for (std::size_t i = 0; i < stages; ++i) run.stage("s", 1 + i, 10, 10, {});
            run.consumer(10, {});
            check(Kind::too_early, none, has_ended ? run.ended() : run);
        }
}

TEST_CASE("the busiest stage is the bottleneck, whatever its position", "[explain]") {
    for (std::size_t stages = 2; stages <= 5; ++stages)
        for (std::size_t limit = 1; limit < stages; ++limit)
            for (const std::size_t workers : {1u, 2u, 16u})
                for (const double cpu : {0., .5, 1.})
                    for (const double load : {.6, .99})
                        check(Kind::cpu_bound, limit,
                              Chain{.stages = stages,
                                    .limit = limit,
                                    .workers = workers,
                                    .load = load,
                                    .cpu = cpu,
                                    .cores = 32});
}

TEST_CASE("the verdict names the stage, its workers, the waiting stage and a remedy", "[explain]") {
    Snapshot run(10s, 4);
    run.range("source", 500, {.02, 0, .97, .02})
        .stage("fetch", 4, 500, 500, {.27, .02, .71, .1})
        .stage("get_titles", 2, 500, 500, {.98, .01, .01, .95})
        .consumer(500, {.01, .98, 0, .01});
    CHECK(explain(run).text ==
          "Stage get_titles is the bottleneck: its 2 workers are busy 98 % of the time while fetch "
          "waits 71 % for room; give it more workers (not all cores are used: 1.7 of 4 are free) "
          "or make it faster.");
    std::ostringstream out;
    out << explain(run);
    CHECK(out.str() == explain(run).text);
}

TEST_CASE("a bottleneck of one worker is named even if no stage waits for it", "[explain]") {
    // After an unlimited queue: the stage before it ended long ago.
    Snapshot run(10s, 2);
    run.range("source", 500, {.01, 0, 0, 0})
        .last([](auto& stage) { stage.queue->capacity = 0; })
        .sink("write", 1, 400, {.99, .01, 0, 0});
    check(Kind::cpu_bound, 1, run);
    CHECK(
        explain(run).text ==
        "Stage write is the bottleneck: its worker is busy 99 % of the time; give it more workers, "
        "if the machine has free cores, or make it faster.");
}

TEST_CASE("the verdict does not propose more workers if hardly a core is free", "[explain]") {
    const Chain chain{.limit = 1, .workers = 2, .load = .98, .cpu = .88, .cores = 2};
    check(Kind::cpu_bound, 1, with(chain.made(), [](Statistics& stats) {
              for (std::size_t i : {0u, 2u}) stats.stages[i].cpu = 0ns;
          }));
    CHECK(says(with(chain.made(), [](Statistics& s) { s.stages[0].cpu = s.stages[2].cpu = 0ns; }),
               "make it faster: hardly any core is free"));
}

TEST_CASE("a busy bottleneck with little CPU time is io_bound", "[explain]") {
    for (std::size_t limit = 1; limit < 4; ++limit)
        for (const std::size_t workers : {1u, 4u, 64u})
            for (const double cpu : {.001, .1, .25})
                for (const std::size_t cores : {2u, 64u}) {
                    const Chain chain{.stages = 4, .limit = limit, .workers = workers, .cpu = cpu};
                    Statistics stats = chain;
                    stats.cores = cores;
                    if (detail::share_of(detail::cpu_of(stats), stats.elapsed, cores) < .9)
                        check(Kind::io_bound, limit, stats);
                }
    CHECK(says(Chain{.workers = 64, .cpu = .01},
               "It spends only 1 % of that time on a core and the rest waiting"));
}

TEST_CASE("the source limits the run", "[explain]") {
    for (std::size_t stages = 1; stages <= 4; ++stages)
        for (const std::size_t workers : {1u, 3u})
            for (const double cpu : {0., .05, 1.})
                for (const double load : {.55, 1.})
                    check(Kind::input_bound, 0,
                          Chain{.stages = stages,
                                .limit = 0,
                                .workers = workers,
                                .load = load,
                                .cpu = cpu});
    const auto range = [](Statistics& stats) { stats.stages[0].is_range = true; };
    check(Kind::input_bound, 0, with(Chain{.limit = 0}.made(), range));
    CHECK(says(
        with(Chain{.limit = 0}.made(), range),
        "The range on the left limits the run: it is read 97 % of the time while s1 waits 87 % "
        "for input; one worker reads it"));
    CHECK(says(Chain{.limit = 0, .workers = 3}, "The source s0 limits the run: its 3 workers are"));
    CHECK(says(Chain{.limit = 0, .cpu = .02}, "It spends only 2 % of that time on a core"));
}

TEST_CASE("a source on a full machine is the limit if it has a core of its own", "[explain]") {
    Snapshot run(1s, 2);
    run.stage("read", 1, 0, 900, {.98, 0, .02, .97}).sink("count", 4, 900, {.22, .75, 0, .22});
    check(Kind::input_bound, 0, run);
}

TEST_CASE("a range that workers read in turn limits the run if they wait for each other", "[explain]") {
    const auto run = [](double busy, double in_turn) {
        return Snapshot(2s, 8)
            .stage("s0", 2, 2000, 2000, {busy, in_turn, .02, busy})
            .stage("s1", 1, 2000, 2000, {.1, .87, .02, .1})
            .consumer(2000, {.01, .95, 0, .01});
    };
    check(Kind::input_bound, 0, run(.52, .45));
    CHECK(says(run(.52, .45),
               "The source s0 limits the run: its 2 workers are busy 97 % of the time while s1 waits 87 % for "
               "input, 45 % of the time until it is their turn at the range, which one of them reads at a "
               "time; make its elements cheaper, or make them in a stage after it."));
    check(Kind::input_bound, 0, run(.92, .05));
    CHECK_FALSE(says(run(.92, .05), "their turn"));
    CHECK(says(run(.92, .05), "give it more workers"));
}

TEST_CASE("the consumer's loop limits the run", "[explain]") {
    for (std::size_t stages = 1; stages <= 4; ++stages)
        for (const double cpu : {0., .02, 1.})
            for (const double load : {.55, .9, 1.})
                check(Kind::consumer_bound, stages,
                      Chain{.stages = stages, .limit = stages, .load = load, .cpu = cpu});
    CHECK(says(Chain{.limit = 3},
               "The loop that takes the results limits the run: its body is busy 97 % of the time "
               "while s2 waits 87 % for room; move work from it into a stage"));

    // The consumer has a core of its own; the stages have the rest of the machine.
    Snapshot full(1s, 2);
    full.stage("work", 4, 0, 900, {.24, 0, .75, .24}).consumer(900, {.99, .01, 0, .98});
    check(Kind::consumer_bound, 1, full);
    // Results in an unlimited queue block no stage.
    Snapshot unlimited(1s, 2);
    unlimited.stage("work", 1, 0, 900, {.1, 0, 0, .1})
        .last([](auto& stage) { stage.queue = QueueStatistics{.fill = 500, .high_water = 800}; })
        .consumer(400, {.99, .01, 0, .98});
    check(Kind::consumer_bound, 1, unlimited);
}

TEST_CASE("results that are not taken are the consumer's limit", "[explain]") {
    Snapshot run(10s, 2);
    run.range("source", 100'000, {.001, 0, .999}).stage("work", 2, 99'000, 99'000, {.01, 0, .99});
    check(Kind::consumer_bound, 2, run);
    CHECK(says(run, "The results are not taken: stage work waits 99 % of the time for room"));
}

TEST_CASE("one worker limits a stage whose other workers are idle", "[explain]") {
    for (const std::size_t siblings : {1u, 3u, 15u})
        for (const double rest : {0., .1, .3})
            for (const bool is_keyed : {false, true}) {
                std::vector<Spent> workers(siblings, Spent{rest, 1 - rest, 0});
                workers.push_back({.98, .02, 0});
                Snapshot run(4s, 8);
                run.range("source", 800, {.02, 0, .95})
                    .stage("count", 800, 800, workers)
                    .last([&](auto& stage) { stage.is_keyed = is_keyed; })
                    .consumer(800, {.01, .99, 0});
                check(Kind::one_worker, 1, run);
                CHECK(says(run, numbered("The worker count-", siblings) +
                                    " limits the run: it is busy 98 % of the time"));
                CHECK(says(run, is_keyed ? "A few keys" : "a few items"));
            }
}

TEST_CASE("a busy worker is not the limit if another stage is busier", "[explain]") {
    Snapshot run(4s, 8);
    run.range("source", 800, {.02, 0, .95})
        .stage("count", 800, 800, {{.9, .1, 0}, {.1, .9, 0}})
        .stage("sort", 1, 800, 800, {.99, .01, 0})
        .consumer(800, {.01, .99, 0});
    check(Kind::cpu_bound, 2, run);
}

TEST_CASE("results that wait for an earlier item limit an ordered stage", "[explain]") {
    for (const std::size_t workers : {2u, 4u, 16u})
        for (const double busy : {.1, .3, .6})
            for (const std::size_t capacity : {0u, 4u}) {
                Snapshot run(4s, 8);
                run.range("source", 800, {.02, 0, .95})
                    .stage("shrink", workers, 800, 800, {busy, .02, .98 - busy})
                    .last([&](auto& stage) {
                        stage.is_ordered = true;
                        stage.queue->capacity = capacity;
                    })
                    .stage("write", 1, 800, 800, {.1, .85, 0})
                    .consumer(800, {.01, .95, 0});
                check(Kind::order_bound, 1, run);
                CHECK(says(run, "Stage shrink keeps the order: its workers wait"));
                CHECK(says(run, capacity ? "its qsize is 4" : "Split the items"));
            }
}

TEST_CASE("an ordered stage that is busy, or blocked by a later stage, is judged like any other",
          "[explain]") {
    const auto ordered = [](Statistics& stats) {
        for (StageStatistics& stage : stats.stages) stage.is_ordered = true;
    };
    for (std::size_t limit = 1; limit <= 4; ++limit) {
        const Chain chain{.stages = 4, .limit = limit, .workers = limit < 4 ? 4u : 1u};
        check(limit < 4 ? Kind::cpu_bound : Kind::consumer_bound, limit,
              with(chain.made(), ordered));
    }
}

TEST_CASE("work that costs less than the hop is too fine", "[explain]") {
    for (std::size_t stages = 1; stages <= 4; ++stages)
        for (std::size_t limit = 0; limit <= stages; ++limit)
            for (const double cpu : {0., .9})
                check(Kind::too_fine, limit,
                      Chain{.stages = stages, .limit = limit, .cpu = cpu, .items = 10'000'000});
    // The same with threads that share a core: the wall clock counts each of them twice.
    check(Kind::too_fine, 1, Chain{.workers = 4, .cpu = .4, .cores = 2, .items = 21'000'000});
    CHECK(says(Chain{.items = 20'000'000},
               "stage s1, the busiest, spends 97 ns per item, about what handing it on costs"));
}

TEST_CASE("work that costs less than the wake-ups is too fine", "[explain]") {
    for (const double busy : {.05, .2, .45})
        for (const double cpu : {0., 1.}) {
            Snapshot run(1s, 2);
            run.range("source", 50'000, {busy / 2, 0, .5, busy / 2 * cpu})
                .stage("inc", 1, 50'000, 50'000, {busy / 2, .3, .3, busy / 2 * cpu})
                .sink("add", 1, 50'000, {busy / 2.1, .5, 0, busy / 2 * cpu});
            check(Kind::too_fine, 0, run);
            CHECK(says(run, "falling asleep and waking up"));
        }
}

TEST_CASE("few or rare items are never too fine", "[explain]") {
    check(Kind::cpu_bound, 1, Chain{.items = 999, .elapsed = 6ms});
    check(Kind::io_bound, 1, Chain{.cpu = .01, .items = 100'000});
    Snapshot rare(1000s, 2);
    rare.range("source", 2000, {1e-7, 0, .6}).sink("add", 1, 2000, {1e-7, 1, 0});
    check(Kind::uneven, 0, rare);
}

TEST_CASE("a full machine is distinguished from a stage that needs more workers", "[explain]") {
    for (const std::size_t cores : {1u, 2u, 8u, 64u})
        for (const std::size_t oversubscribed : {1u, 2u})
            for (const double used : {.91, 1.}) {
                const std::size_t workers = cores * oversubscribed;
                const double cpu = used / static_cast<double>(oversubscribed);
                Snapshot run(2s, cores);
                run.range("source", 900, {.001, 0, .99, .001})
                    .stage("work", workers, 900, 900, {.99, 0, .01, cpu})
                    .consumer(900, {.001, .99, 0, .001});
                check(Kind::machine_full, 1, run);
            }
    Snapshot two(2s, 2);
    two.range("source", 900, {.01, 0, .99, .01})
        .stage("parse", 2, 900, 900, {.45, .2, .35, .22})
        .stage("count", 2, 900, 900, {.95, .02, .03, .75})
        .consumer(900, {.001, .99, 0, .001});
    CHECK(
        explain(two).text ==
        "The machine is full: its 2 cores are busy 98 % of the time; more workers would not help. "
        "Make stage count cheaper, which has 77 % of the processor time.");
}

TEST_CASE("a machine can be full with many stages of which none is busy for long", "[explain]") {
    Snapshot run(2s, 2);
    for (std::size_t i = 0; i < 10; ++i)
        run.stage(numbered("s", i), 1, 900, 900, {.3, .35, .35, .195});
    run.consumer(900, {.01, .9, 0, .01});
    CHECK(explain(run).kind == Kind::machine_full);
}

TEST_CASE("if other programs use the cores, a run is judged by the CPU time that it needed",
          "[explain]") {
    // Each thread that is ready to run has a core for a fifth of the time.
    const auto starved = [](Statistics stats) {
        const auto part = [](auto& of) {
            of.cpu = of.busy / 5;
            of.ready = of.busy - of.cpu;
        };
        for (StageStatistics& stage : stats.stages) part(stage);
        part(stats.consumer);
        return stats;
    };
    for (const std::size_t workers : {1u, 4u, 16u}) {
        check(Kind::machine_full, 1, starved(Chain{.workers = workers, .cores = workers}));
        check(Kind::cpu_bound, 1, starved(Chain{.workers = workers, .cores = 2 * workers}));
    }
    CHECK(says(
        starved(Chain{.workers = 2, .cores = 8}),
        "its 2 workers are busy 97 % of the time while s0 waits 87 % for room; for 78 % of the "
        "time other threads have the cores that it could use: leave it more of the machine, or "
        "make it faster."));
    check(Kind::input_bound, 0, starved(Chain{.limit = 0, .cores = 2}));
    check(Kind::consumer_bound, 3, starved(Chain{.limit = 3, .cores = 2}));
    CHECK(says(
        starved(Chain{.workers = 4, .cores = 2}),
        "its 2 cores are wanted by 4.1 threads at a time, and this run has got 0.8 of them; more "
        "workers would not help. Make stage s1 cheaper"));
}

TEST_CASE("a worker that waits for items needs no core although it is ready to run", "[explain]") {
    // A worker that finds no item yields before it sleeps, so the system counts it as ready.
    const auto ready = [](Statistics stats) {
        for (StageStatistics& stage : stats.stages)
            stage.ready = stage.waiting_for_input + stage.waiting_for_room;
        stats.consumer.ready = stats.consumer.waiting;
        return stats;
    };
    check(Kind::cpu_bound, 1, ready(Chain{.stages = 5, .cpu = 1, .cores = 2}));
    check(Kind::io_bound, 1, ready(Chain{.stages = 5, .cpu = .1, .cores = 2}));
    check(Kind::io_bound, 1, ready(Chain{.stages = 5, .workers = 16, .cpu = .05, .cores = 2}));
    CHECK(says(ready(Chain{.stages = 5, .cpu = 1, .cores = 2}), "0.6 of 2 is free"));
}

TEST_CASE("a worker that waits for input although its queue is full lacks a core", "[explain]") {
    const auto run = [](double fill, double cpu = 0) {
        Snapshot made(2s, 2);
        made.stage("read", 1, 0, 900, {.01, 0, .99, .01 * cpu})
            .stage("check", 1, 900, 900, {.06, .01, .93, .06 * cpu})
            .last([&](auto& stage) {
                stage.queue = QueueStatistics{.capacity = 32, .mean_fill = fill};
            })
            .stage("parse", 1, 900, 900, {.35, .65, 0, .35 * cpu});
        return made.consumer(900, {.01, .95, 0, 0});
    };
    check(Kind::cpu_bound, 2, run(30));
    check(Kind::cpu_bound, 2, run(16, .5));
    CHECK(
        explain(run(30)).text ==
        "Stage parse is the bottleneck: its worker is busy 35 % of the time and without a core for "
        "58 % while check waits 93 % for room; for 58 % of the time other threads have the cores "
        "that it could use: leave it more of the machine, or make it faster.");
    // With a nearly empty queue the worker does not lack a core.
    check(Kind::cpu_bound, 2, run(1));
    CHECK(says(run(1), "busy 35 % of the time while check waits 35 % for room"));
    // Nor if the system reports that it was hardly ever ready to run.
    const auto not_ready = with(run(30), [](Statistics& s) {
        s.stages[1].ready = 1900ms;
        s.stages[2].ready = 50ms;
    });
    check(Kind::cpu_bound, 2, not_ready);
    CHECK(says(not_ready, "busy 35 % of the time while check waits 35 % for room"));
    // The worker counts as needing a core, so the machine may be full.
    check(Kind::machine_full, 2, with(run(30, 1), [](Statistics& s) { s.cores = 1; }));
    // A wait this short may be the time of a wake-up.
    CHECK(says(with(run(30), [](Statistics& s) { s.stages[2].items_in = 90'000; }),
               "give it more workers"));
}

TEST_CASE("in a keyed or ordered stage a worker may wait for input while others wait for slots",
          "[explain]") {
    for (const bool is_keyed : {false, true}) {
        Snapshot run(2s, 8);
        run.stage("read", is_keyed ? 1 : 4, 0, 900, {.1, 0, .9})
            .last([&](auto& stage) {
                stage.is_ordered = !is_keyed;
                stage.queue->mean_fill = 1000;
            })
            .stage("count", 900, 900, {{.9, .1, 0}, {.1, .9, 0}, {.1, .9, 0}})
            .last([&](auto& stage) { stage.is_keyed = is_keyed; })
            .consumer(900, {.01, .99, 0});
        if (is_keyed)
            check(Kind::one_worker, 1, run);
        else
            check(Kind::order_bound, 0, run);
    }
    // A queue of one item says nothing.
    Snapshot one(2s, 8);
    one.stage("read", 1, 0, 900, {.1, 0, .8})
        .last([](auto& stage) { stage.queue = QueueStatistics{.capacity = 1, .mean_fill = 1}; })
        .stage("count", 1, 900, 900, {.3, .6, 0});
    check(Kind::uneven, 0, one.consumer(900, {.01, .99, 0}));
}

TEST_CASE("a stage that lacks a core for most of a run is the limit if it always has work",
          "[explain]") {
    Statistics run = Snapshot(2s, 2)
                         .stage("read", 1, 0, 90, {.01, 0, .75, .01})
                         .stage("parse", 1, 90, 90, {.05, .9, 0, .05})
                         .consumer(90, {.01, .99, 0, 0});
    check(Kind::uneven, 0, run);
    run.stages[1].ready = 1800ms;
    check(Kind::cpu_bound, 1, run);
    run.stages[1].busy = 600ms;  // not because it lacks a core
    run.stages[1].cpu = 10ms;
    check(Kind::uneven, 0, run);
}

TEST_CASE("a stage that uses a fifth of its cores is not io_bound if other workers lacked a core",
          "[explain]") {
    Snapshot run(2s, 4);
    run.stage("read", 1, 0, 900, {.01, 0, .95, .01})
        .last([](auto& stage) { stage.queue->mean_fill = 1000; })
        .stage("check", 1, 900, 900, {.05, .45, .45, .01})
        .stage("parse", 1, 900, 900, {.65, .35, 0, .15})
        .consumer(900, {.01, .99, 0, 0});
    check(Kind::cpu_bound, 2, run);
    check(Kind::io_bound, 2, with(run, [](Statistics& s) { s.stages[0].queue->mean_fill = 0; }));
}

TEST_CASE("of two equally busy stages the one that did not lack a core limits the run",
          "[explain]") {
    Snapshot run(2s, 4);
    run.range("source", 900, {.01, 0, .99, .01})
        .stage("parse", 1, 900, 900, {.96, .02, .02, .9})
        .stage("count", 1, 900, 900, {.98, .02, 0, .2});
    check(Kind::balanced, 2, run.consumer(900, {.01, .99, 0, .01}));
    check(Kind::cpu_bound, 1, with(run, [](Statistics& s) { s.stages[2].ready = 1600ms; }));
}

TEST_CASE("a consumer that only lacks a core is neither asleep nor the limit",
          "[explain]") {
    Snapshot run(2s, 2);
    run.stage("parse", 4, 0, 900, {.33, .0, .67, .05})
        .last([](auto& stage) { stage.queue->mean_fill = 1000; })
        .consumer(900, {.05, .95, 0, .005});
    run.stats().stages[0].ready = 3s;
    run.stats().consumer.ready = 1900ms;
    check(Kind::machine_full, 0, run);
    CHECK(says(run, "this run has got 0.2 of them"));
    // If the rest of the run does not fill the machine, the verdict says that the consumer lacks a core.
    Snapshot alone(2s, 2);
    alone.stage("parse", 1, 0, 900, {.1, 0, .9})
        .last([](auto& stage) { stage.queue->mean_fill = 1000; })
        .consumer(900, {.05, .95, 0});
    check(Kind::consumer_bound, 1, alone);
    CHECK(says(alone,
               "its body is busy 5 % of the time and without a core for 85 % while parse waits "
               "90 % for room; leave it more of the machine."));
}

TEST_CASE("a stage that sleeps is the limit even if other programs fill the machine",
          "[explain]") {
    Statistics stats = Chain{.workers = 4, .cpu = .01, .cores = 2};
    stats.stages[1].ready = stats.stages[1].busy * 7 / 10;
    check(Kind::io_bound, 1, stats);
}

TEST_CASE("a stage that sleeps is io_bound although it sometimes waits for its core", "[explain]") {
    Statistics stats = Chain{.workers = 4, .cpu = .01, .cores = 2};
    stats.stages[1].ready = stats.stages[1].busy * 2 / 5;
    check(Kind::io_bound, 1, stats);
    stats.stages[1].ready = stats.stages[1].busy * 4 / 5;
    check(Kind::machine_full, 1, stats);
}

TEST_CASE("without processor times no verdict is machine_full or io_bound", "[explain]") {
    check(Kind::cpu_bound, 1, Chain{.workers = 8, .load = 1, .cores = 2});
    check(Kind::cpu_bound, 1, Chain{.workers = 64, .load = 1, .cores = 2});
    check(Kind::cpu_bound, 1, Chain{.workers = 2, .load = 1, .cpu = .9, .cores = 0});
    CHECK(says(Chain{.cpu = .9, .cores = 0}, "if the machine has free cores"));
}

TEST_CASE("two equally busy stages are balanced", "[explain]") {
    for (std::size_t a = 0; a < 4; ++a)
        for (std::size_t b = a + 1; b <= 4; ++b)
            for (const double less : {0., .03})
                check(Kind::balanced, a,
                      with(Chain{.stages = 4, .limit = a, .load = .95}.made(), [&](Statistics& s) {
                          const auto busy = std::chrono::nanoseconds(
                              static_cast<std::int64_t>((.95 - less) * 2e9) - 1);
                          if (b == 4)
                              s.consumer.busy = busy;
                          else
                              s.stages[b].busy = busy;
                      }));
    CHECK(says(with(Chain{.limit = 1}.made(), [](Statistics& s) { s.stages[2].busy = 1900ms; }),
               "Stage s1 and stage s2 are equally busy (97 % and 95 % of the time)"));
}

TEST_CASE("a stage that is a tenth less busy than the bottleneck is not balanced with it", "[explain]") {
    for (std::size_t b : {0u, 2u, 3u})
        check(Kind::cpu_bound, 1, with(Chain{.stages = 4, .limit = 1}.made(), [&](Statistics& s) {
                  s.stages[b].busy = 1740ms;
              }));
}

TEST_CASE("a run without a busy stage is uneven", "[explain]") {
    for (std::size_t stages = 2; stages <= 4; ++stages)
        for (std::size_t blocked = 0; blocked + 1 < stages; ++blocked)
            for (const double busy : {.3, .45}) {
                Snapshot run(2s, 8);
                for (std::size_t i = 0; i < stages; ++i)
                    run.stage(numbered("s", i), 2, i == 0 ? 0 : 500, 500,
                              {busy, i == blocked + 1 ? .5 : .05, i == blocked ? .5 : .05});
                run.consumer(500, {.05, .9, 0});
                check(Kind::uneven, blocked, run);
                CHECK(says(run, numbered("A larger qsize of s", blocked)));
            }
    // Two stages in turn: each runs for half of the time.
    Snapshot halves(2s, 8);
    halves.stage("fold", 2, 0, 2, {.48, 0, 0}).stage("merge", 1, 2, 1, {.47, .52, 0});
    check(Kind::uneven, none, halves.consumer(1, {0, 1, 0}));
}

// ---- sinks -------------------------------------------------------------------------------------

namespace {

/// Returns: the statistics of the chain with a sink as its last stage. As in real statistics, the thread that waits in
/// execute() appears busy all the time, which must not mislead explain().
Statistics ending_in_sink(Snapshot run) {
    run.last([](auto& stage) {
        stage.queue.reset();
        stage.items_out = 0;
        for (WorkerStatistics& worker : stage.each) worker.items_out = 0;
    });
    run.stats().consumer = {.busy = run.stats().elapsed, .cpu = run.stats().elapsed / 2};
    return run;
}

}  // namespace

TEST_CASE("in a pipeline with a sink, the sink or a stage before it limits the run", "[explain]") {
    for (std::size_t stages = 2; stages <= 4; ++stages)
        for (std::size_t limit = 0; limit < stages; ++limit)
            for (const double cpu : {0., .02, 1.}) {
                INFO(limit << " of " << stages << ", cpu " << cpu);
                const Chain chain{.stages = stages, .limit = limit, .cpu = cpu};
                check(limit == 0    ? Kind::input_bound
                      : cpu == .02 ? Kind::io_bound
                                   : Kind::cpu_bound,
                      limit, ending_in_sink(chain.made()));
            }
    const Statistics sleeps = ending_in_sink(Chain{.stages = 2, .cpu = .02}.made());
    CHECK(says(sleeps, "Stage s1 is the bottleneck: its worker is busy 97 % of the time while s0 waits 87 % for "
                       "room. It spends only 2 % of that time on a core"));
    CHECK(says(ending_in_sink(Chain{.stages = 2, .limit = 0}.made()),
               "The source s0 limits the run: its worker is busy 97 % of the time while s1 waits 87 % for input"));
}

TEST_CASE("a pipeline with a sink can have every verdict but consumer_bound", "[explain]") {
    Snapshot balance(2s, 8);
    balance.range("source", 1000, {.1, 0, .9})
        .stage("fetch", 1, 1000, 1000, {.97, .01, .02})
        .stage("store", 1, 1000, 0, {.96, .04, 0});
    check(Kind::balanced, 1, ending_in_sink(balance));

    Snapshot fine(1s, 8);
    fine.range("source", 10'000'000, {.3, 0, .7}).stage("count", 1, 10'000'000, 0, {.9, .1, 0});
    check(Kind::too_fine, 1, ending_in_sink(fine));

    Snapshot full(1s, 2);
    full.range("source", 2'000, {.1, 0, .9, .01}).stage("parse", 4, 2'000, 0, {.99, .01, 0, .49});
    check(Kind::machine_full, 1, ending_in_sink(full));
    CHECK(says(ending_in_sink(full), "Make stage parse cheaper"));

    Snapshot alone(1s, 8);
    alone.range("source", 400, {.1, 0, .1}).stage("store", 400, 0, {{.95, .05, 0}, {.1, .9, 0}, {.1, .9, 0}});
    check(Kind::one_worker, 1, ending_in_sink(alone));

    Snapshot order(1s, 8);
    order.range("source", 400, {.1, 0, .5})
        .stage("shrink", 4, 400, 400, {.3, .1, .6})
        .last([](auto& stage) { stage.is_ordered = true; })
        .stage("write", 1, 400, 0, {.1, .9, 0});
    check(Kind::order_bound, 1, ending_in_sink(order));

    Snapshot turns(1s, 8);
    turns.range("source", 300, {.1, 0, .6}).stage("a", 1, 300, 300, {.3, .3, .4}).stage("b", 1, 300, 0, {.3, .7, 0});
    check(Kind::uneven, 1, ending_in_sink(turns));

    Snapshot not_begun(0s, 8);
    not_begun.range("source", 0, {}).stage("store", 1, 0, 0, {});
    check(Kind::too_early, none, ending_in_sink(not_begun));
    Snapshot no_times(1s, 8);
    no_times.range("source", 10, {}).stage("store", 1, 10, 0, {});
    check(Kind::too_early, none, ending_in_sink(no_times));

    // A sink fused with its source.
    const auto whole = [](double busy, double in_turn, double cpu) {
        Snapshot run(1s, 8);
        run.stage("all", 4, 400, 0, {busy, in_turn, 0, cpu});
        return ending_in_sink(run);
    };
    check(Kind::cpu_bound, 0, whole(.95, .05, .95));
    check(Kind::io_bound, 0, whole(.95, .05, .01));
    check(Kind::input_bound, 0, whole(.25, .75, .2));
}

TEST_CASE("the verdict on a run with a sink never mentions a consumer loop", "[explain]") {
    const auto sleep = [](int) { std::this_thread::sleep_for(2ms); };
    const auto slow = [sleep](int x) {
        sleep(x);
        return x;
    };
    const auto quick = [](int) {};
    const auto verdict_of = [](const auto& pipe) {
        Monitor monitor;
        pipe.execute(monitor);
        const Statistics stats = monitor.stats();
        CHECK(stats.consumer.busy == 0ns);
        CHECK(stats.consumer.waiting == 0ns);
        CHECK(stats.consumer.cpu == 0ns);
        CHECK(report(stats).find("loop") == std::string::npos);
        return explain(stats);
    };
    const std::vector<Verdict> verdicts{
        verdict_of(std::views::iota(0, 20) | for_each(sleep)),
        verdict_of(std::views::iota(0, 20) | for_each({.workers = 3}, sleep)),
        verdict_of(std::views::iota(0, 20) | std::views::transform(slow) | for_each(quick)),
        verdict_of(std::views::iota(0, 20) | map_stage(slow) | for_each(quick)),
        verdict_of(std::views::iota(0, 20) | map_stage(slow) | for_each(sleep)),
        verdict_of(std::views::iota(0, 100'000) | for_each(quick)),
        verdict_of(std::views::iota(0, 20) | stage([](Input<int> items) {
                       for ([[maybe_unused]] int x : items) std::this_thread::sleep_for(2ms);
                   })),
        verdict_of(fuse(std::views::iota(0, 20) | map_stage(slow) | for_each(quick))),
    };
    for (const Verdict& verdict : verdicts) {
        INFO(verdict.text);
        CHECK(verdict.kind != Kind::consumer_bound);
        CHECK((verdict.stage < 3 || verdict.stage == none));
        CHECK(verdict.text.find("result") == std::string::npos);
    }
}

TEST_CASE("the verdict names the kind of consumer", "[explain]") {
    const auto taken_by = [](const char* what) {
        return with(Chain{.limit = 3}.made(), [&](Statistics& stats) { stats.consumer.taken_by = what; });
    };
    CHECK(says(taken_by("for_each()"), "The function of for_each() limits the run: it is busy 97 % of the time while "
                                       "s2 waits 87 % for room; move work from it into a stage"));
    CHECK(says(taken_by("execute()"), "Handing the results over limits the run: execute() is busy with it 97 % of "
                                      "the time while s2 waits 87 % for room; make the results cheaper to move"));
    CHECK(says(with(Chain{.limit = 2}.made(), [](Statistics& stats) { stats.consumer.taken_by = "collect()"; }),
               "while s1 waits 87 % for room"));
    Snapshot both(2s, 8);
    both.range("source", 1000, {.1, 0, .9}).stage("fetch", 1, 1000, 1000, {.9, .05, .05}).consumer(1000, {.95, .05});
    both.stats().consumer.taken_by = "collect()";
    CHECK(says(both, "tage fetch and collect() are equally busy"));

    const auto pipe = std::views::iota(0, 20) | map_stage([](int x) { return x; });
    Monitor monitor;
    pipe.execute(monitor);
    CHECK(monitor.stats().consumer.taken_by == "execute()");
    pipe.collect(monitor);
    CHECK(monitor.stats().consumer.taken_by == "collect()");
    pipe.for_each([](int) {}, monitor);
    CHECK(monitor.stats().consumer.taken_by == "for_each()");
    for ([[maybe_unused]] int x : pipe.results(monitor)) continue;
    CHECK(monitor.stats().consumer.taken_by.empty());
}

TEST_CASE("unusual names and numbers do not break the verdict", "[explain]") {
    Snapshot run(2s, 8);
    run.stage("", 1, 0, 10, {.1, 0, .9})
        .stage("a\nb\x1b[31m\xff", 1, 10, 10, {.97, 0, 0})
        .consumer(10, {0, 1, 0});
    CHECK(says(run,
               "Stage a\xEF\xBF\xBD"
               "b\xEF\xBF\xBD[31m\xEF\xBF\xBD is the bottleneck"));

    // Times that do not fit the run, as a snapshot may catch them, and workers that are not listed.
    Statistics odd = Chain{.limit = 1, .load = 2.5};
    check(Kind::cpu_bound, 1, odd);
    odd.stages[1].each.clear();
    odd.stages[1].workers = 0;
    check(Kind::cpu_bound, 1, odd);
    odd.stages[0].busy = -5ns;
    check(Kind::cpu_bound, 1, odd);
}

}  // namespace explain_tests
