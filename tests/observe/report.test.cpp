#include <parallelpipe/observe/report.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <parallelpipe/detail/observe/readable.hpp>

#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

// report(): the statistics as a table of text.
namespace report_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Snapshot;

namespace {

Snapshot titles() {
    Snapshot run(10s, 4);
    run.range("source", 125, {.02, 0, .97, .02})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{512, 498, 512, 480.2};
        })
        .stage("titles", 2, 120, 120, {.98, .01, .01, .95})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{1024, 0, 3, .1};
        })
        .consumer(120, {.01, .98, 0, .01})
        .ended();
    return run;
}

std::vector<std::string> lines(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

}  // namespace

TEST_CASE("a report is a table with a line for each stage, the time and the verdict", "[report]") {
    const std::string table =
        "stage      workers   in  out  busy   cpu  no input  no room  queued  mean  most   room\n"
        "source           1       125   2 %   2 %       0 %     97 %     498   480   512    512\n"
        "titles           2  120  120  98 %  95 %       1 %      1 %       0  0.10     3  1,024\n"
        "(results)           120        1 %   1 %      98 %\n";
    CHECK(report(titles()) ==
          table + "\n10.0 s, ended; 4 cores, 48 % used\n" + explain(titles()).text + "\n");
    std::ostringstream out;
    report(out, titles());
    CHECK(out.str() == report(titles()));
}

TEST_CASE("a report omits columns without information", "[report]") {
    Snapshot run(2s, 0);
    run.range("source", 100, {.02, 0, .97}).sink("write", 3, 90, {.5, .4, 0});
    CHECK(lines(report(run))[0] ==
          "stage   workers  in  out  busy  no input  no room  queued  mean  most   room");
    CHECK(lines(report(run))[2] == "write         3  90       50 %      40 %      0 %");
    CHECK(lines(report(run))[4] == "2.00 s, running");
    run.last([](auto& stage) {
        stage.failed = 3;
        stage.retried = 2;
        stage.skipped = 1;
    });
    CHECK(lines(report(run))[0].ends_with("room  failed  retried  skipped"));
    CHECK(lines(report(run))[2].ends_with("       3        2        1"));
}

TEST_CASE("a report of a pipeline that has not run has only its settings", "[report]") {
    Snapshot run(0ns);
    run.stage("read", 1, 0, 0, {}).stage("sort", 8, 0, 0, {}).last([](auto& stage) {
        stage.is_ordered = true;
        stage.is_keyed = true;
    });
    CHECK(report(run) ==
          "stage                   workers   room\n"
          "read                          1  1,024\n"
          "sort (ordered) (keyed)        8  1,024\n"
          "\n"
          "not run yet\n"
          "The run has not begun.\n");
    CHECK(report(Statistics()) ==
          "stage  workers  room\n\nnot run yet\n"
          "There is nothing to explain: the pipeline has no stages.\n");
}

TEST_CASE("the columns of a report are aligned whatever bytes a name has", "[report]") {
    Snapshot run(2s, 2);
    run.stage("\xC3\xA4\xC3\xB6\xC3\xBC", 1, 0, 5, {.5})
        .stage("a\nb\x1b[2J\x7f\xff", 1, 5, 5, {.5})
        .stage("", 1, 5, 5, {.5})
        .consumer(5, {});
    const std::vector<std::string> all = lines(report(run));
    REQUIRE(all.size() == 8);
    CHECK(all[1].substr(0, 20) ==
          "\xC3\xA4\xC3\xB6\xC3\xBC"
          "              ");
    for (const std::string& line : all)
        for (const char c : line) CHECK((c & 0x7F) >= (c < 0 ? 0 : ' '));
    const std::size_t width = detail::columns(all[0]);
    for (std::size_t i = 1; i < 4; ++i) CHECK(detail::columns(all[i]) == width);
}

TEST_CASE("readable numbers have three digits and a unit", "[report]") {
    using detail::readable;
    CHECK(readable(0ns) == "0 ns");
    CHECK(readable(850ns) == "850 ns");
    CHECK(readable(999ns) == "999 ns");
    CHECK(readable(1us) == "1.00 us");
    CHECK(readable(12'345ns) == "12.3 us");
    CHECK(readable(99'960ns) == "100 us");
    CHECK(readable(999'960ns) == "1.00 ms");
    CHECK(readable(123'456us) == "123 ms");
    CHECK(readable(1'234ms) == "1.23 s");
    CHECK(readable(59'940ms) == "59.9 s");
    CHECK(readable(59'960ms) == "1 min 00 s");
    CHECK(readable(125s) == "2 min 05 s");
    CHECK(readable(3'725s) == "1 h 02 min");
    CHECK(readable(0.0) == "0");
    CHECK(readable(0.456) == "0.46");
    CHECK(readable(1.0) == "1");
    CHECK(readable(64.0) == "64");
    CHECK(readable(12.34) == "12.3");
    CHECK(readable(1234.5) == "1,235");
    CHECK(readable(1e300) == "many");
    CHECK(detail::grouped(0) == "0");
    CHECK(detail::grouped(999) == "999");
    CHECK(detail::grouped(1'000) == "1,000");
    CHECK(detail::grouped(18'446'744'073'709'551'615u) == "18,446,744,073,709,551,615");
    CHECK(detail::percent(0) == "0 %");
    CHECK(detail::percent(.001) == "<1 %");
    CHECK(detail::percent(.994) == "99 %");
    CHECK(detail::percent(.996) == ">99 %");
    CHECK(detail::percent(1) == "100 %");
    CHECK(detail::counted(1, "core") == "1 core");
    CHECK(detail::counted(2'000, "core") == "2,000 cores");
}

}  // namespace report_tests
