#include <parallelpipe/observe/progress.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

// ProgressBar: lines of progress on a terminal or a plain stream.
namespace progress_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Snapshot;

namespace {

/// Statistics of a run in which `items` results have reached the consumer.
Statistics at(std::chrono::nanoseconds elapsed, std::uint64_t items) {
    Snapshot run(elapsed);
    run.range("source", items + 30, {})
        .last([](auto& stage) { stage.queue = QueueStatistics{.capacity = 512, .fill = 480}; })
        .stage("fetch", 4, items + 20, items + 10, {})
        .last([](auto& stage) { stage.queue = QueueStatistics{.capacity = 0, .fill = 7}; })
        .consumer(items, {});
    return run;
}

/// Returns: the lines that a terminal shows after `written`.
std::string seen(const std::string& written) {
    std::string screen, line;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] == '\r') {
            line.clear();  // the next text is longer or clears the rest of the line
        } else if (written.compare(i, 3, "\x1b[K") == 0) {
            i += 2;
        } else if (written[i] == '\n') {
            screen += line + '\n';
            line.clear();
        } else {
            line += written[i];
        }
    }
    return screen + line;
}

constexpr const char* clear = "\x1b[K";

}  // namespace

TEST_CASE("a stream that is no terminal gets plain lines at intervals", "[progress]") {
    std::ostringstream out;
    {
        ProgressBar bar(out, {.total = 500, .label = "titles"});
        bar.update(at(100ms, 0));
        bar.update(at(1s, 50));
        bar.update(at(5099ms, 200));
        bar.update(at(5100ms, 204));
        bar.update(at(9s, 300));
        CHECK(out.str() ==
              "titles: 0 of 500, 0 %, 0/s\n"
              "titles: 204 of 500, 41 %, 40/s, 8 s left\n");
        out.str("");
        bar.update(at(10s, 500));
        bar.finish();
    }
    CHECK(out.str() == "titles: 500 items in 10.0 s, 50/s\n");
}

TEST_CASE("the interval between lines can be set", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.line_every = 1s});
    for (int i = 0; i <= 40; ++i) bar.update(at(i * 100ms, 10u * static_cast<unsigned>(i)));
    CHECK(out.str() ==
          "0 items, 0/s, 0 ns\n"
          "100 items, 100/s, 1.00 s\n"
          "200 items, 100/s, 2.00 s\n"
          "300 items, 100/s, 3.00 s\n"
          "400 items, 100/s, 4.00 s\n");
}

TEST_CASE("a terminal gets one line that is overwritten", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.total = 500, .label = "titles", .is_tty = true, .width = 80});
    bar.update(at(1s, 25));
    CHECK(out.str() ==
          std::string("\rtitles [=>                      ]   5 %  25 of 500, 25/s, 19 s left") +
              clear);
    bar.update(at(2s, 250));
    CHECK(seen(out.str()) ==
          "titles [============>           ]  50 %  250 of 500, 125/s, 2 s left");
    bar.update(at(4s, 500));
    CHECK(seen(out.str()) == "titles [========================] 100 %  500 of 500, 125/s");
    bar.finish();
    CHECK(seen(out.str()) == "titles: 500 items in 4.00 s, 125/s\n");
    const std::string all = out.str();
    bar.finish();
    bar.update(at(5s, 600));
    bar.clear();
    CHECK(out.str() == all);
}

TEST_CASE("a line that would not change is not written again", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.total = 500, .is_tty = true, .width = 80});
    bar.update(at(1s, 25));
    const std::string once = out.str();
    bar.update(at(1s, 25));
    CHECK(out.str() == once);
}

TEST_CASE("the bar can be cleared for lines of the program", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.is_tty = true, .width = 80});
    bar.clear();
    CHECK(out.str().empty());
    bar.update(at(1s, 25));
    bar.clear();
    out << "own line\n";
    bar.update(at(1s, 25));
    CHECK(out.str() == std::string("\r25 items, 25/s, 1.00 s") + clear + "\r" + clear +
                           "own line\n\r25 items, 25/s, 1.00 s" + clear);
}

TEST_CASE("a quiet bar writes nothing", "[progress]") {
    for (const bool is_tty : {false, true}) {
        std::ostringstream out;
        {
            ProgressBar bar(
                out, {.total = 500, .quiet = true, .per_stage = true, .is_tty = is_tty});
            bar.update(at(1s, 25));
            bar.update(at(9s, 500));
            bar.clear();
            bar.finish();
        }
        CHECK(out.str().empty());
    }
}

TEST_CASE("a bar without an update writes nothing", "[progress]") {
    std::ostringstream out;
    { ProgressBar bar(out, {.total = 500, .is_tty = true}); }
    { ProgressBar bar(out); }
    CHECK(out.str().empty());
}

TEST_CASE("the rate and the remaining time come from the last ten seconds", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.total = 10'000, .line_every = 0ns});
    std::uint64_t items = 0;
    for (int i = 0; i <= 60; ++i) {
        bar.update(at(i * 500ms, items));
        items += i < 30 ? 5 : 50;  // ten a second, then a hundred
    }
    const std::string text = out.str();
    CHECK(text.ends_with("1,650 of 10,000, 16 %, 100/s, 1 min 24 s left\n"));
    CHECK(text.find("75 of 10,000, 1 %, 10/s, 16 min 33 s left\n") != std::string::npos);
}

TEST_CASE("the fill of each queue is shown when asked", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.total = 500, .per_stage = true});
    bar.update(at(1s, 25));
    CHECK(out.str() == "25 of 500, 5 %, 25/s, 19 s left; source 480/512; fetch 7\n");
}

TEST_CASE("the bar counts items of the consumer, of a sink, or of the chosen stage",
          "[progress]") {
    const auto line = [](const Statistics& stats, ProgressOptions options = {}) {
        std::ostringstream out;
        ProgressBar(out, std::move(options)).update(stats);
        return out.str().substr(0, out.str().find(','));
    };
    CHECK(line(at(1s, 25)) == "25 items");
    CHECK(line(at(1s, 25), {.stage = 0}) == "55 items");
    CHECK(line(at(1s, 25), {.stage = 1}) == "35 items");
    CHECK(line(at(1s, 25), {.stage = 9}) == "25 items");
    Snapshot sink(1s);
    CHECK(line(sink.range("source", 9, {}).sink("write", 1, 8, {})) == "8 items");
    CHECK(line(Statistics()) == "0 items");
}

TEST_CASE("the line shows skipped items", "[progress]") {
    std::ostringstream out;
    ProgressBar bar(out, {.total = 500});
    Statistics stats = at(1s, 25);
    stats.stages[1].skipped = 3;
    bar.update(stats);
    bar.finish();
    CHECK(out.str() ==
          "25 of 500, 5 %, 25/s, 19 s left, 3 skipped\n"
          "25 items in 1.00 s, 25/s, 3 skipped\n");
}

TEST_CASE("more items than expected, none expected and none at all give a valid line", "[progress]") {
    const auto line = [](std::uint64_t total, std::uint64_t items,
                         std::chrono::nanoseconds elapsed) {
        std::ostringstream out;
        ProgressBar bar(out, {.total = total, .is_tty = true, .width = 60});
        bar.update(at(elapsed, items));
        return seen(out.str());
    };
    CHECK(line(10, 20, 1s) == "[========================] 100 %  20 of 10, 20/s");
    CHECK(line(0, 0, 1s) == "[========================] 100 %  0 of 0, 0/s");
    CHECK(line(0, 5, 0s) == "[========================] 100 %  5 of 0, 0/s");
    CHECK(line(UINT64_MAX, 1, 1s) ==
          "[>                       ]  <1 %  1 of 18,446,744,073,709,\xE2\x80\xA6");
}

TEST_CASE("the bar can count bytes, with rate and remaining time", "[progress]") {
    std::uint64_t read = 0;
    std::ostringstream out;
    ProgressBar bar(out, {.total = 3'400'000'000,
                          .done = [&] { return read; },
                          .unit = GENERATE("B", "bytes"),
                          .label = "log",
                          .line_every = 1ns});
    bar.update(at(0s, 0));
    read = 1'200'000'000;
    bar.update(at(10s, 7));  // the items do not count
    CHECK(out.str() ==
          "log: 0 B of 3.40 GB, 0 %, 0 B/s\n"
          "log: 1.20 GB of 3.40 GB, 35 %, 120 MB/s, 19 s left\n");
    out.str("");
    read = 3'400'000'000;
    bar.update(at(20s, 9));
    CHECK(out.str() == "log: 3.40 GB of 3.40 GB, 100 %, 220 MB/s\n");
    out.str("");
    read = 4;  // the final line shows the last update
    bar.finish();
    CHECK(out.str() == "log: 3.40 GB in 20.0 s, 170 MB/s\n");
}

TEST_CASE("another unit is a count with its name", "[progress]") {
    const auto lines = [](ProgressOptions options) {
        std::ostringstream out;
        options.line_every = 1ns;
        ProgressBar bar(out, options);
        bar.update(at(10s, 205));
        bar.finish();
        return out.str();
    };
    CHECK(lines({.total = 500, .unit = "files"}) ==
          "205 of 500 files, 41 %, 20.5 files/s, 15 s left\n205 files in 10.0 s, 20.5 files/s\n");
    CHECK(lines({.done = [] { return std::uint64_t{12'345}; }, .unit = "lines"}) ==
          "12,345 lines, 1,235 lines/s, 10.0 s\n12,345 lines in 10.0 s, 1,235 lines/s\n");
    CHECK(lines({.done = [] { return std::uint64_t{1}; }}) == "1 item, 0.10/s, 10.0 s\n1 item in 10.0 s, 0.10/s\n");
    CHECK(lines({.unit = "B"}) == "205 B, 20 B/s, 10.0 s\n205 B in 10.0 s, 20 B/s\n");
    CHECK(lines({.total = 500, .done = nullptr}) == lines({.total = 500}));
    // A name with control characters does not reach the terminal unescaped.
    CHECK(lines({.unit = "\x1b[2Jfiles"}).find('\x1b') == std::string::npos);
    // Numbers that do not grow, shrink or exceed the total give a valid line.
    CHECK(lines({.total = 0, .done = [] { return std::uint64_t{0}; }, .unit = "B"}) ==
          "0 B of 0 B, 100 %, 0 B/s\n0 B in 10.0 s, 0 B/s\n");
    CHECK(lines({.total = 10, .done = [] { return UINT64_MAX; }, .unit = "B"}).starts_with("18.4 EB of 10 B, 100 %"));
    std::uint64_t left = 100;
    CHECK(lines({.total = 100, .done = [&] { return left -= 20; }}) ==
          "80 of 100, 80 %, 8/s, 3 s left\n80 items in 10.0 s, 8/s\n");
}

TEST_CASE("if the function `done` throws, the bar shows nothing", "[progress]") {
    std::ostringstream out;
    {
        ProgressBar bar(out, {.done = []() -> std::uint64_t { throw std::runtime_error("no"); }, .unit = "B"});
        CHECK_THROWS_WITH(bar.update(at(1s, 1)), "no");
    }
    CHECK(out.str().empty());
}

TEST_CASE("readable bytes have three digits and a unit", "[progress]") {
    const auto bytes = [](double number) { return detail::readable_bytes(number); };
    CHECK(bytes(0) == "0 B");
    CHECK(bytes(-1) == "0 B");
    CHECK(bytes(999) == "999 B");
    CHECK(bytes(999.6) == "1.00 kB");
    CHECK(bytes(1'234) == "1.23 kB");
    CHECK(bytes(12'345) == "12.3 kB");
    CHECK(bytes(999'499) == "999 kB");
    CHECK(bytes(999'500) == "1.00 MB");
    CHECK(bytes(5e9) == "5.00 GB");
    CHECK(bytes(1e30) == "1000000000000 EB");
}

TEST_CASE("a line is never wider than the terminal, whatever the names", "[progress]") {
    for (const std::size_t width : {0u, 1u, 2u, 10u, 40u, 200u}) {
        std::ostringstream out;
        ProgressBar bar(out, {.total = 500,
                              .per_stage = true,
                              .label = "a\nb\x1b[2J \xC3\xA4",
                              .is_tty = true,
                              .width = width});
        Statistics stats = at(1s, 25);
        stats.stages[0].name = "x\r\ny";
        bar.update(stats);
        const std::string line = seen(out.str());
        CHECK(line.find('\n') == std::string::npos);
        CHECK(line.find('\x1b') == std::string::npos);
        CHECK(detail::columns(line) <= std::max<std::size_t>(width, 2) - 1);
    }
}

TEST_CASE("the destructor of a bar ignores a stream that throws", "[progress]") {
    struct Broken : std::streambuf {};
    Broken buffer;
    std::ostream out(&buffer);
    out.exceptions(std::ios::badbit);
    {
        ProgressBar bar(out);
        CHECK_THROWS_AS(bar.update(at(1s, 25)), std::ios_base::failure);
    }
    CHECK(out.bad());
}

TEST_CASE("only the standard error stream can be a terminal", "[progress]") {
    std::ostringstream out;
    CHECK(!detail::is_tty(out));
    CHECK(!detail::is_tty(std::cout));
    CHECK(detail::tty_width() > 0);
}

}  // namespace progress_tests
