#include <parallelpipe/observe/graph.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

// to_dot() and to_mermaid(): graphs of pipelines and of runs.
namespace graph_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Snapshot;

namespace {

Snapshot titles(std::chrono::nanoseconds elapsed) {
    Snapshot run(elapsed, 4);
    run.range("source", 12'500, {.02, 0, .97, .02})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{512, 498, 512, 480.2};
        })
        .stage("get_titles", 2, 12'000, 11'990, {.98, .01, .01, .95})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{0, 0, 3, .1};
            stage.is_ordered = true;
            stage.skipped = 10;
        })
        .consumer(11'990, {.01, .98, 0, .01});
    return run;
}

bool has(const std::string& text, const std::string& part) {
    UNSCOPED_INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a graph before the run has stages, workers and the capacities of the queues", "[graph]") {
    CHECK(to_mermaid(titles(0ns)) ==
          "flowchart LR\n"
          "    s0([\"source<br/>range\"])\n"
          "    s1[\"get#95;titles<br/>2 workers, ordered\"]\n"
          "    s2([\"results\"])\n"
          "    s0 -->|\"at most 512\"| s1\n"
          "    s1 -->|\"unlimited\"| s2\n");
    const std::string dot = to_dot(titles(0ns));
    CHECK(dot.starts_with("digraph pipeline {\n"));
    CHECK(dot.ends_with("}\n"));
    CHECK(has(dot, "    s0 [label=\"source\\nrange\" shape=ellipse style=filled];\n"));
    CHECK(has(dot, "    s1 [label=\"get_titles\\n2 workers, ordered\"];\n"));
    CHECK(has(dot, "    s0 -> s1 [label=\"at most 512\"];\n"));
    CHECK(has(dot, "    s1 -> s2 [label=\"unlimited\"];\n"));
    CHECK(!has(dot, "penwidth"));
}

TEST_CASE("a graph of a run has numbers and the bottleneck in colour", "[graph]") {
    CHECK(to_mermaid(titles(10s)) ==
          "flowchart LR\n"
          "    s0([\"source<br/>range<br/>12,500 out<br/>busy 2 %\"])\n"
          "    s1[\"get#95;titles<br/>2 workers, ordered<br/>12,000 in<br/>11,990 out<br/>busy 98 %"
          "<br/>10 skipped\"]\n"
          "    s2([\"results<br/>11,990 taken<br/>busy 1 %\"])\n"
          "    s0 -->|\"mean 480 of 512\"| s1\n"
          "    s1 -->|\"mean 0.10, unlimited\"| s2\n"
          "    style s1 fill:#ffe0b0,stroke:#b45309,stroke-width:2px,color:#000\n");
    const std::string dot = to_dot(titles(10s));
    CHECK(has(dot,
              "    s1 [label=\"get_titles\\n2 workers, ordered\\n12,000 in\\n11,990 out\\nbusy 98 %"
              "\\n10 skipped\" fillcolor=\"#ffe0b0\" color=\"#b45309\" penwidth=2];\n"));
    CHECK(has(dot, "s0 -> s1 [label=\"mean 480 of 512\"];\n"));
    CHECK(dot.find("penwidth") == dot.rfind("penwidth"));
}

TEST_CASE("a consumer that limits the run is coloured; a pipeline with a sink has no consumer", "[graph]") {
    Snapshot run(10s);
    run.stage("work", 1, 0, 100, {.1, 0, .9}).consumer(100, {.99});
    CHECK(has(to_mermaid(run), "style s1 fill"));
    CHECK(
        has(to_dot(run),
            "s1 [label=\"results\\n100 taken\\nbusy 99 %\" shape=ellipse style=filled fillcolor"));

    Snapshot sink(10s);
    sink.stage("read", 1, 0, 100, {.1, 0, .9}).sink("write", 1, 100, {.99});
    CHECK(!has(to_dot(sink), "results"));
    CHECK(!has(to_mermaid(sink), "s2"));
    CHECK(has(to_mermaid(sink), "write<br/>1 worker<br/>100 in<br/>busy"));
}

TEST_CASE("names with special characters of the graph languages are escaped", "[graph]") {
    const std::string name = "a\"b\\c\nd<i>&amp;|`#1;` [x]; //\xff";
    Snapshot run(10s);
    run.stage(name, 1, 0, 100, {.1, 0, .9}).sink("write", 1, 100, {.99});
    CHECK(has(to_dot(run),
              "[label=\"a\\\"b\\\\c\xEF\xBF\xBD"
              "d<i>&amp;amp;|`#1;` [x]; //\xEF\xBF\xBD\\n"));
    CHECK(has(to_mermaid(run),
              "[\"a#34;b#92;c\xEF\xBF\xBD"
              "d#60;i#62;#38;amp#59;#124;#96;#35;1#59;#96; #91;x#93;#59; //\xEF\xBF\xBD<br/>"));
}

TEST_CASE("statistics with names only give a graph, and without stages an empty one", "[graph]") {
    Statistics names;
    names.stages = {{.name = "a", .workers = 1}, {.name = "b", .workers = 2}};
    CHECK(to_mermaid(names) ==
          "flowchart LR\n"
          "    s0[\"a<br/>1 worker\"]\n"
          "    s1[\"b<br/>2 workers\"]\n"
          "    s0 --> s1\n");
    CHECK(has(to_dot(names), "s0 -> s1 [label=\"\"];\n"));
    CHECK(to_mermaid(Statistics()) == "flowchart LR\n");
    CHECK(has(to_dot(Statistics()), "digraph pipeline {\n"));
}

namespace {

/// An item of 400 bytes, so the default capacity of its queue is smaller.
struct Row {
    std::array<int, 100> cells{};
};

generator<Row> rows(Input<int> numbers) {
    for (const int n : numbers) co_yield Row{{n}};
}

}  // namespace

TEST_CASE("the graph of a pipeline shows the capacities that a run would have", "[graph]") {
    auto source = Stage([]() -> generator<int> { co_yield 1; }).setup({.qsize = 0, .name = "read"});
    auto make = Stage(&rows).setup({.workers = 4, .ordered = true, .name = "make"});
    auto keyed = make;
    keyed.setup({.workers = 2, .qsize = 7, .ordered = false}).partition_by(std::identity());
    const auto whole = source | make;
    CHECK(to_mermaid(whole) ==
          "flowchart LR\n"
          "    s0[\"read<br/>1 worker\"]\n"
          "    s1[\"make<br/>4 workers, ordered\"]\n"
          "    s2([\"results\"])\n"
          "    s0 -->|\"unlimited\"| s1\n"
          "    s1 -->|\"at most 163\"| s2\n");
    CHECK(has(to_dot(whole), "    s1 -> s2 [label=\"at most 163\"];\n"));
    CHECK(whole.results().stats().stages[1].queue->capacity == 163);
    CHECK(has(to_mermaid(source | keyed), "s1[\"make<br/>2 workers, keyed\"]"));
    CHECK(has(to_mermaid(source | keyed), "s1 -->|\"at most 7\"| s2"));
    CHECK(has(to_dot(whole.ordered()), "read\\n1 worker, ordered"));
}

TEST_CASE("the graph shows a range and a sink as such, and does not use up a single-pass range",
          "[graph]") {
    const auto numbers = []() -> generator<int> { co_yield 1; };
    int sum = 0;
    const auto add = [](Input<int> in, int& to) {
        for (const int n : in) to += n;
    };
    const auto whole = numbers() | Stage<int, void>(add, std::ref(sum));
    CHECK(to_mermaid(whole) ==
          "flowchart LR\n"
          "    s0([\"source<br/>range\"])\n"
          "    s1[\"stage#95;0<br/>1 worker\"]\n"
          "    s0 -->|\"at most 1,024\"| s1\n");
    whole.execute();
    CHECK(sum == 1);
}

TEST_CASE("a single stage and an open pipeline have a graph", "[graph]") {
    auto make = Stage(&rows).setup({.workers = 2, .name = "make"});
    CHECK(to_mermaid(make) ==
          "flowchart LR\n"
          "    s0[\"make<br/>2 workers\"]\n"
          "    s1([\"results\"])\n"
          "    s0 -->|\"at most 163\"| s1\n");
    CHECK(to_mermaid(make) == to_mermaid(Pipeline(make)));
    CHECK(to_dot(make) == to_dot(Pipeline(make)));
    // A single worker is not keyed: it has all keys.
    CHECK(!has(to_dot(make.setup({.workers = 1}).partition_by(std::identity())), "keyed"));
}

}  // namespace graph_tests
