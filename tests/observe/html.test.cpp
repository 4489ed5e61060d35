#include <parallelpipe/observe/html.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// to_html() and write_html(): the page about a run.
namespace html_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::numbered;
using support::Snapshot;

namespace {

using Rows = std::vector<std::vector<std::string>>;

Snapshot titles() {
    Snapshot run(10s, 4);
    run.range("source", 12'500, {.02, 0, .97, .02})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{512, 498, 511, 480.2};
        })
        .stage("get_titles", 2, 12'001, 11'990, {.98, .01, .01, .95})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{0, 1, 3, .1};
            stage.is_ordered = true;
            stage.failed = 12;
            stage.skipped = 11;
        })
        .consumer(11'989, {.01, .98, 0, .01})
        .ended();
    return run;
}

Statistics recorded(std::size_t count) {
    Statistics stats = titles();
    for (std::size_t i = 0; i < count; ++i)
        stats.samples.push_back({std::chrono::nanoseconds(10s) * i / (count - 1),
                                 {i * 100, i * 50},
                                 {i % 7, i == count / 2 ? 3u : 0u}});
    return stats;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t times = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
        ++times;
    return times;
}

/// Returns: the text between the first `from` and the next `to`.
std::string between(const std::string& text, const std::string& from, const std::string& to) {
    const std::size_t begin = text.find(from);
    if (begin == std::string::npos) return "(no " + from + ")";
    const std::size_t end = text.find(to, begin + from.size());
    return text.substr(begin + from.size(), end - begin - from.size());
}

/// Returns: the text of the cells of a table's body.
Rows cells(const std::string& table) {
    Rows rows;
    const std::string body = between(table, "<tbody>", "</tbody>");
    bool is_cell = false;
    for (std::size_t at = 0; at < body.size(); ++at) {
        if (body[at] == '<') {
            const std::string tag = body.substr(at + 1, body.find('>', at) - at - 1);
            if (tag.starts_with("tr")) rows.emplace_back();
            is_cell = tag.starts_with("td") || tag.starts_with("th");
            if (is_cell) rows.back().emplace_back();
            at += tag.size() + 1;
        } else if (is_cell) {
            rows.back().back() += body[at];
        }
    }
    return rows;
}

/// Checks that every tag is closed, every attribute is in quotes, and every special character is escaped.
/// Returns: the mistake; empty without one.
std::string mistake(const std::string& page) {
    std::vector<std::string> open;
    for (std::size_t at = page.find("<html"); at < page.size();) {
        if (page[at] == '&') {
            const std::string name = page.substr(at, page.find(';', at) - at);
            if (name.size() > 6 || name.size() < 3) return "a lone & at " + page.substr(at, 30);
        }
        if (page[at] == '>') return "a lone > at " + page.substr(at, 30);
        if (page[at] != '<') {
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        bool is_quoted = false;
        for (; end < page.size() && (is_quoted || page[end] != '>'); ++end) {
            if (page[end] == '"') is_quoted = !is_quoted;
            if (page[end] == '<') return "a < in the tag at " + page.substr(at, 30);
        }
        std::string tag = page.substr(at + 1, end - at - 1);
        at = end + 1;
        if (count(tag, "=") > 0 && count(tag, "\"") < 2) return "no quotes: " + tag;
        if (tag.ends_with('/') || tag.starts_with("meta") || tag.starts_with("link")) continue;
        if (tag[0] == '/') {
            if (open.empty() || open.back() != tag.substr(1)) return "closed too early: " + tag;
            open.pop_back();
            continue;
        }
        tag = tag.substr(0, tag.find(' '));
        open.push_back(tag);
        if (tag == "style") at = page.find("</style>", at);
    }
    return open.empty() ? "" : "never closed: " + open.back();
}

bool has(const std::string& text, const std::string& part) {
    const std::size_t main = text.find("<main>");
    UNSCOPED_INFO(text.substr(main == std::string::npos ? 0 : main));
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the page has the numbers of the statistics", "[html]") {
    const std::string page = to_html(titles());
    CHECK(cells(between(page, "id=\"stages\"", "</section>")) ==
          Rows{{"source", "1", "", "12,500", "2 %", "2 %", "0 %", "97 %", "498", "480", "511",
                "512", "0", "0"},
               {"get_titles (ordered)", "2", "12,001", "11,990", "98 %", "95 %", "1 %", "1 %", "1",
                "0.10", "3", "unlimited", "12", "11"},
               {"(results)", "", "11,989", "", "1 %", "1 %", "98 %", "", "", "", "", "", "", ""}});
    CHECK(cells(between(page, "<details>", "</details>")) ==
          Rows{{"source-0", "0", "12,500", "2 %", "2 %", "0 %", "97 %", "ended"},
               {"get_titles-0", "6,001", "5,995", "98 %", "95 %", "1 %", "1 %", "ended"},
               {"get_titles-1", "6,000", "5,995", "98 %", "95 %", "1 %", "1 %", "ended"}});
    for (const char* tile :
         {"<dt>Time</dt><dd>10.0 s</dd>", "<dt>Results</dt><dd>11,989</dd>",
          "<dt>Per second</dt><dd>1,199</dd>", "<dt>Cores used</dt><dd>1.9 of 4</dd>",
          "<dt>Items that failed</dt><dd>12</dd>"})
        CHECK(has(page, tile));
    CHECK(has(page, "<p class=\"soft\">10.0 s, ended; 4 cores, 48 % used</p>"));
}

TEST_CASE("the page says what limits the run and marks it in the graph and in the table",
          "[html]") {
    const std::string page = to_html(titles());
    CHECK(
        between(page, "<p>", "</p>")
            .starts_with(
                "Stage get_titles is the bottleneck: its 2 workers are busy 98&nbsp;% of the time "
                "while source waits 97&nbsp;% for room"));
    CHECK(has(page, ">limits the run</text>"));
    CHECK(has(page, "<tr class=\"limit\"><th scope=\"row\">get_titles (ordered)</th>"));
    CHECK(count(page, "<tr class=\"limit\">") == 1);
    CHECK(count(between(page, "id=\"graph\"", "</section>"), "class=\"node") == 3);
    CHECK(
        has(page,
            "<title>after source: mean 480, now 498, at most 511 waiting, room for 512</title>"));
}

TEST_CASE("the graph of a long pipeline has several rows", "[html]") {
    Snapshot run(2s);
    for (std::size_t i = 0; i < 11; ++i) run.stage(numbered("s", i), 1, 5, 5, {.1});
    const std::string svg = between(to_html(run), "<svg ", "</svg>");
    CHECK(count(svg, "class=\"node") == 12);
    CHECK(count(svg, "class=\"arrow") == 11);
    // Each row starts with a node at the left.
    CHECK(count(svg, "class=\"node outside\" x=\"0.0\"") + count(svg, "class=\"node\" x=\"0.0\"") ==
          3);
}

TEST_CASE("the page loads nothing from elsewhere and forbids it to the browser", "[html]") {
    const std::string page = to_html(recorded(20));
    for (const char* foreign :
         {"://", "<script", "src=", "url(", "@import", "<iframe", "onload", "onclick"})
        CHECK(count(page, foreign) == 0);
    CHECK(has(page, "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""));
    CHECK(has(page, "prefers-color-scheme: dark"));
}

TEST_CASE("the page is accessible to screen readers", "[html]") {
    const std::string page = to_html(recorded(20), "A & B");
    CHECK(page.starts_with(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"));
    CHECK(has(page, "<title>A &amp; B</title>"));
    CHECK(has(page, "<h1>A &amp; B</h1>"));
    CHECK(count(page, "<th>") == 0);
    CHECK(count(page, "<th scope=\"col\"") == 14 + 7);
    CHECK(count(page, "<svg ") == count(page, "<svg role=\"img\" "));
    CHECK(count(page, "<svg ") == 1 + 4);
    CHECK(count(page, " aria-label=\"") >= count(page, "<svg ") + 3);
    CHECK(has(page, "aria-label=\"The pipeline: source, get_titles, results\""));
}

TEST_CASE("every page is well-formed, whatever names it contains", "[html]") {
    const std::string evil = "</title></style><script>alert(\"1\")</script>&amp;'\n\x1b\xff";
    Snapshot run = titles();
    run.stats().stages[1].name = evil;
    const std::string page = to_html(run, evil);
    CHECK(mistake(page).empty());
    CHECK(count(page, "<script") == 0);
    CHECK(count(page, "alert(\"") == 0);
    CHECK(count(page,
                "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;\xEF\xBF\xBD"
                "\xEF\xBF\xBD\xEF\xBF\xBD") >= 4);
    for (const char c : page) CHECK((c >= ' ' || c == '\n' || c < 0));

    CHECK(mistake(to_html(Statistics())).empty());
    CHECK(mistake(to_html(recorded(2000))).empty());
    CHECK(mistake(to_html(Snapshot(1s))).empty());
    CHECK(mistake(to_html(Snapshot(1s).sink("", 1, 0, {}))).empty());
    CHECK(!mistake("<html><p></html>").empty());
    CHECK(!mistake("<html><p>a & b</p></html>").empty());
    CHECK(!mistake("<html><p class=a></p></html>").empty());
    CHECK(!mistake("<html><p>a > b</p></html>").empty());
}

TEST_CASE("a page before the run has only the graph and the settings", "[html]") {
    Statistics stats = titles();
    stats.elapsed = 0ns;
    const std::string page = to_html(stats);
    CHECK(mistake(page).empty());
    CHECK(has(page, "not run yet"));
    CHECK(has(page, ">at most</text>"));
    for (const char* part : {"id=\"verdict\"", "<dl>", "<details>", ">busy"})
        CHECK(count(page, part) == 0);
}

TEST_CASE("the timelines have the numbers of the samples", "[html]") {
    CHECK(count(to_html(titles()), "id=\"timelines\"") == 0);
    const std::string page = between(to_html(recorded(11)), "id=\"timelines\"", "</section>");
    // A sample each second, with 100 and 50 more results each time.
    CHECK(has(page, "source: results per second, at most 100"));
    CHECK(has(page, "get_titles: results per second, at most 50"));
    CHECK(has(page, "source: results waiting after it, at most 6"));
    CHECK(has(page, "get_titles: results waiting after it, at most 3"));
    CHECK(has(page, "waiting after it, of 512<"));

    const detail::time_line rate = detail::rate_line(recorded(11).samples, 0);
    REQUIRE(rate.points.size() == 20);
    CHECK(rate.points[3].at == 2.0);
    CHECK(rate.points[3].value == 100.0);
    const detail::time_line fill = detail::fill_line(recorded(11).samples, 0);
    REQUIRE(fill.points.size() == 11);
    CHECK(fill.points[9].at == 9.0);
    CHECK(fill.points[9].value == 2.0);
}

TEST_CASE("many samples do not make the page longer and lose no peak of a queue", "[html]") {
    const auto many = recorded(20'001).samples;
    const detail::time_line fill = detail::fill_line(many, 1);
    CHECK(fill.points.size() == detail::most_steps + 1);
    CHECK(fill.most == 3.0);
    const detail::time_line rate = detail::rate_line(many, 1);
    CHECK(rate.points.size() == 2 * detail::most_steps);
    CHECK(rate.points.back().at == 10.0);
    CHECK(rate.most > 98'000);
    CHECK(rate.most < 102'000);
}

TEST_CASE("samples with missing numbers or at the same time do not break the page", "[html]") {
    Statistics stats = titles();
    stats.samples = {
        {1s, {}, {}}, {1s, {5, 5}, {1}}, {500ms, {1, 1}, {1, 1}}, {2s, {3, 3}, {2, 2}}};
    CHECK(mistake(to_html(stats)).empty());
    stats.samples.resize(1);
    CHECK(count(to_html(stats), "id=\"timelines\"") == 0);
}

TEST_CASE("write_html writes to a stream or a file, and an error names the file", "[html]") {
    std::ostringstream out;
    write_html(out, titles());
    CHECK(out.str() == to_html(titles()));
    CHECK_THROWS_WITH(write_html("/no/such/folder/run.html", titles()),
                      "parallelpipe: cannot write /no/such/folder/run.html");
}

}  // namespace html_tests
