#include <parallelpipe/observe/trace.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/json.hpp"
#include "support/snapshot.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// write_trace(): a timeline of every thread for ui.perfetto.dev.
namespace trace_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using detail::span;
using detail::wait_ring;
using detail::traced_thread;
using support::Json;
using support::read_json;
using support::Snapshot;

namespace {

std::vector<std::int64_t> begins(const std::vector<span>& spans) {
    std::vector<std::int64_t> all;
    for (const span& each : spans) all.push_back(each.began);
    return all;
}

/// Returns: the spans of a line of a trace, such as `busy 0-1.5`.
std::vector<std::string> spans_of(const Json& trace, std::size_t line) {
    std::vector<std::string> all;
    for (const Json& event : trace.at("traceEvents").elements) {
        if (event.at("ph").text != "X" || event.at("tid").text != std::to_string(line)) continue;
        all.push_back(event.at("name").text + ' ' + event.at("ts").text + '+' +
                      event.at("dur").text);
    }
    return all;
}

Json written(const Monitor& monitor) {
    std::ostringstream out;
    write_trace(out, monitor);
    return read_json(out.str());
}

/// Checks that spans do not overlap, leave no gaps and do not begin before the run. Returns: the mistake; empty without
/// one.
std::string mistake(const Json& trace) {
    std::map<std::string, double> end;
    for (const Json& event : trace.at("traceEvents").elements) {
        if (event.at("ph").text != "X") continue;
        const std::string line = event.at("tid").text;
        const double begin = event.at("ts").number();
        const double length = event.at("dur").number();
        if (begin < 0 || length <= 0) return "an odd span in " + line;
        // The trace rounds to three digits.
        if (end.contains(line) && std::abs(begin - end[line]) > 0.0015) return "a gap in " + line;
        end[line] = begin + length;
    }
    return "";
}

std::size_t count(const Json& trace, const std::string& kind, const std::string& name) {
    std::size_t times = 0;
    for (const Json& event : trace.at("traceEvents").elements)
        times += event.at("ph").text == kind && event.at("name").text == name;
    return times;
}

std::vector<std::string> lines(const Json& trace) {
    std::vector<std::string> names;
    for (const Json& event : trace.at("traceEvents").elements)
        if (event.at("name").text == "thread_name")
            names.push_back(event.at("args").at("name").text);
    return names;
}

}  // namespace

TEST_CASE("a ring of spans keeps the last ones, in order", "[trace]") {
    wait_ring ring(4);
    bool is_whole = false;
    CHECK(ring.read(is_whole).empty());
    CHECK(is_whole);
    for (std::int64_t i = 1; i <= 3; ++i) ring.add({i, i + 1});
    CHECK(begins(ring.read(is_whole)) == std::vector<std::int64_t>{1, 2, 3});
    CHECK(is_whole);
    for (std::int64_t i = 4; i <= 9; ++i) ring.add({i, i + 1});
    // The writer may be overwriting the oldest span.
    CHECK(begins(ring.read(is_whole)) == std::vector<std::int64_t>{7, 8, 9});
    CHECK_FALSE(is_whole);
}

TEST_CASE("a ring of spans can be read while it is written, without torn spans", "[trace]") {
    const std::size_t size = GENERATE(1u, 2u, 64u);
    wait_ring ring(size);
    std::atomic<bool> done{false};
    std::jthread writer([&] {
        for (std::int64_t i = 1; i <= 200'000; ++i) ring.add({i, -i});
        done = true;
    });
    std::size_t wrong = 0;
    while (!done) {
        bool is_whole = false;
        const std::vector<span> spans = ring.read(is_whole);
        for (std::size_t i = 0; i < spans.size(); ++i) {
            wrong += spans[i].ended != -spans[i].began;
            wrong += i != 0 && spans[i].began != spans[i - 1].began + 1;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a trace shows the time between waits as busy", "[trace]") {
    Snapshot run(1ms);
    run.range("source", 5, {}).last([](auto& stage) {
        stage.queue = QueueStatistics{.capacity = 8};
    });
    run.sink("say \"hi\"", 1, 5, {});
    run.stats().samples = {{0ns, {0, 0}, {0, 0}}, {7us, {5, 0}, {3, 0}}};
    traced_thread source{.name = "source-0", .life = {1'000, 9'000}};
    source.known_from = 2'500;
    source.for_room = {{2'500, 4'000}, {6'000, 20'000}};
    // The thread that reads for a timed batch may wait at the same time as its worker.
    traced_thread both{.name = "say \"hi\"-0", .stage = 1, .life = {0, 9'000}};
    both.for_input = {{1'000, 5'000}, {5'000, 6'000}};
    both.for_room = {{3'000, 5'500}};
    const Json trace = read_json(detail::trace_text(run, {source, both}).text());
    CHECK(spans_of(trace, 1) == std::vector<std::string>{"not recorded any more 1.000+1.500",
                                                         "waits for room 2.500+1.500",
                                                         "busy 4.000+2.000",
                                                         "waits for room 6.000+3.000"});
    CHECK(spans_of(trace, 2) ==
          std::vector<std::string>{"busy 0.000+1.000", "waits for input 1.000+4.000",
                                   "waits for room 5.000+0.500", "waits for input 5.500+0.500",
                                   "busy 6.000+3.000"});
    CHECK(lines(trace) == std::vector<std::string>{"source-0", "say \"hi\"-0"});
    CHECK(count(trace, "C", "queue 0, after source") == 2);
    const Json& last = trace.at("traceEvents").elements.back();
    CHECK(last.at("ts").text == "7.000");
    CHECK(last.at("args").at("items").text == "3");
    CHECK(count(trace, "M", "process_name") == 1);
}

TEST_CASE("a trace of a run has a line for each worker and for the consumer", "[trace]") {
    const std::size_t kept = GENERATE(4096u, 3u);
    Monitor monitor;
    monitor.trace(kept);
    auto twice =
        stage({.workers = 2, .qsize = 4, .name = "twice"}, [](Input<int> in) -> generator<int> {
            for (int x : in) {
                co_yield x;
                co_yield x;
            }
        });
    long sum = 0;
    std::size_t seen = 0;
    for (int x : (std::views::iota(0, 2'000) | twice).results(monitor)) {
        sum += x;
        if (seen++ % 500 == 0) CHECK(mistake(written(monitor)).empty());  // during the run
    }
    CHECK(sum == 2L * 1999 * 1000);
    const Json trace = written(monitor);
    CHECK(mistake(trace).empty());
    CHECK(lines(trace) == std::vector<std::string>{"source-0", "twice-0", "twice-1", "results"});
    CHECK(count(trace, "X", "busy") > 0);
    CHECK(count(trace, "X", "waits for room") + count(trace, "X", "waits for input") > 0);
    CHECK(count(trace, "C", "queue 1, after twice") >= 2);
    if (kept == 3) CHECK(count(trace, "X", "waits for input") <= 4 * 4);
}

TEST_CASE("write_trace needs a monitor with a trace and a writable file", "[trace]") {
    Monitor monitor;
    std::ostringstream out;
    CHECK_THROWS_AS(write_trace(out, monitor), std::logic_error);
    CHECK_THROWS_AS(monitor.trace(0), std::invalid_argument);
    monitor.trace();
    CHECK(lines(written(monitor)).empty());
    CHECK_THROWS_WITH(write_trace("/no/such/folder/run.json", monitor),
                      "parallelpipe: cannot write /no/such/folder/run.json");
}

}  // namespace trace_tests
