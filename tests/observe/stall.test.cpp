#include <parallelpipe/observe/stall.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <string>

// stall_report(): what each worker of a stalled run waits for.
namespace stall_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::numbered;
using support::Snapshot;

namespace {

using enum Activity;

/// Statistics of `source | fetch(x2) | parse` after 20 s; all workers wait for input.
Snapshot titles() {
    Snapshot run(20s);
    const auto waits = [](auto& stage) {
        for (auto& worker : stage.each) {
            worker.activity = waiting_for_input;
            worker.waiting_since = 10'200ms;
        }
        stage.queue = QueueStatistics{.capacity = 16};
    };
    run.range("source", 500, {}).last(waits).stage("fetch", 2, 499, 400, {}).last(waits);
    run.stage("parse", 1, 400, 400, {}).last(waits).consumer(399, {});
    run.stats().consumer.activity = waiting_for_input;
    run.stats().consumer.waiting_since = 10'010ms;
    return run;
}

WorkerStatistics& worker(Snapshot& run, std::size_t stage, std::size_t index) {
    return run.stats().stages[stage].each[index];
}

/// Returns: the first line without the common beginning of all reports.
std::string sentence(const Statistics& stats) {
    const std::string text = stall_report(stats, 10s);
    const std::string begin = "Nothing has moved for 10.0 s. ";
    REQUIRE(text.substr(0, begin.size()) == begin);
    return text.substr(begin.size(), text.find('\n') - begin.size());
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("the report names the worker that others wait for, then the state of each worker", "[stall]") {
    Snapshot run = titles();
    worker(run, 0, 0).activity = waiting_for_room;
    run.stats().stages[0].queue->fill = 16;
    worker(run, 1, 0).activity = ended;
    worker(run, 1, 1).activity = busy;
    worker(run, 1, 1).waiting_since = 0ns;
    CHECK(stall_report(run, 10s) ==
          "Nothing has moved for 10.0 s. fetch-1 has been in its stage function all the time; "
          "everything else waits for it.\n"
          "\n"
          "source-0   has waited 9.80 s for room after source (16 of 16)\n"
          "fetch-0    has ended\n"
          "fetch-1    is in its stage function\n"
          "parse-0    has waited 9.80 s for input from the queue after fetch (empty)\n"
          "(results)  the loop that takes them has waited 9.99 s for input from the queue after "
          "parse (empty)\n"
          "queues: source 16 of 16, fetch 0 of 16, parse 0 of 16\n");
}

TEST_CASE("the report names several busy workers together, of many the first ones", "[stall]") {
    Snapshot run = titles();
    worker(run, 1, 0).activity = worker(run, 1, 1).activity = busy;
    CHECK(sentence(run) ==
          "fetch-0 and fetch-1 have been busy all the time; everything else waits for them.");
    run.stats().consumer.activity = busy;
    CHECK(sentence(run) ==
          "fetch-0, fetch-1 and the loop that takes the results have been busy all "
          "the time; everything else waits for them.");

    Snapshot wide(20s);
    wide.stage("many", 9, 0, 0, {}).last([](auto& stage) {
        for (auto& each : stage.each) each.activity = busy;
        stage.queue.reset();
    });
    CHECK(sentence(wide) == "many-0, many-1, many-2 and 6 more have been busy all the time.");
}

TEST_CASE("the report says if the results are not taken", "[stall]") {
    Snapshot run = titles();
    run.stats().consumer.activity = busy;
    CHECK(sentence(run) ==
          "The loop that takes the results has not asked for the next one all the "
          "time; everything else waits for it.");
    CHECK(has(stall_report(run, 10s), "(results)  the loop that takes them is busy with one\n"));
    run.stats().consumer.items = 0;
    CHECK(sentence(run) ==
          "No result has been asked for: the loop that takes them has not begun; "
          "everything else waits for it.");
    CHECK(has(stall_report(run, 10s), "(results)  have not been asked for\n"));
}

TEST_CASE("the report names the kind of consumer", "[stall]") {
    Snapshot run = titles();
    run.stats().consumer.taken_by = "execute()";
    CHECK(has(stall_report(run, 10s), "(results)  execute() has waited 9.99 s for input from the queue after "));
    run.stats().consumer.taken_by = "for_each()";
    run.stats().consumer.activity = busy;
    CHECK(sentence(run) == "for_each() has not asked for the next one all the time; everything else waits for it.");
    CHECK(has(stall_report(run, 10s), "(results)  for_each() is busy with one\n"));
}

TEST_CASE("the report blames no worker if none is busy", "[stall]") {
    Snapshot run = titles();
    CHECK(has(sentence(run), "No worker is in a stage function: each waits for another one."));
    worker(run, 1, 1).activity = not_started;
    CHECK(sentence(run) ==
          "No worker is busy, and 1 thread has not begun yet: the machine has not let it run.");
    CHECK(has(stall_report(run, 10s), "fetch-1    has not begun\n"));

    Snapshot over(20s);
    over.sink("store", 1, 5, {}).last([](auto& stage) { stage.each[0].activity = ended; });
    CHECK(has(sentence(over), "All workers have ended"));
    CHECK_FALSE(has(stall_report(over, 10s), "(results)"));
    CHECK_FALSE(has(stall_report(over, 10s), "queues"));
    CHECK_FALSE(stall_report(Statistics(), 10s).empty());
}

TEST_CASE("the report distinguishes ranges, keyed and ordered stages", "[stall]") {
    Snapshot run = titles();
    worker(run, 0, 0).activity = busy;
    CHECK(sentence(run) ==
          "source-0 has been in the range that it reads all the time; everything "
          "else waits for it.");
    run.stats().stages[1].is_keyed = true;
    run.stats().stages[1].is_ordered = true;
    run.stats().stages[0].queue->fill = 3;
    worker(run, 1, 1).activity = waiting_for_room;
    const std::string text = stall_report(run, 10s);
    CHECK(has(text, "source-0   is in the range that it reads\n"));
    CHECK(has(text,
              "fetch-0    has waited 9.80 s for an item of its keys from the queue after "
              "source (3 wait there)\n"));
    CHECK(has(text,
              "fetch-1    has waited 9.80 s for room after fetch (0 of 16 wait there), or for "
              "the results before its own\n"));
}

TEST_CASE("the report names workers that wait for their turn at a range", "[stall]") {
    Snapshot run(20s);
    run.stage("count", 2, 0, 0, {}).last([](auto& stage) {
        stage.each[0].activity = busy;
        stage.each[1].activity = waiting_for_input;
        stage.each[1].waiting_since = 10'200ms;
    });
    CHECK(sentence(run) ==
          "count-0 has been in its stage function all the time; everything else waits for it.");
    CHECK(has(stall_report(run, 10s), "count-1    has waited 9.80 s for its turn at the range\n"));
}

TEST_CASE("the report escapes control characters in names", "[stall]") {
    Snapshot run(20s);
    run.stage("a\x1b[2J\n", 1, 0, 0, {}).last([](auto& stage) { stage.each[0].activity = busy; });
    const std::string text = stall_report(run, 10s);
    CHECK_FALSE(has(text, "\x1b"));
    CHECK_FALSE(has(text, "J\n-0"));
}

}  // namespace stall_tests
