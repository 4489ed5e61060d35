// Fetches web pages and prints the most common words of their titles.
//
//     02_titles [--timeout SECONDS] URL...
//     02_titles [--generated]
//
// Four workers fetch pages, because fetching is mostly waiting; two search for titles; one counts.
// The program reports dead links, timeouts and pages that are not HTML, and continues. Without URLs
// it starts a server with the HTML documentation of this machine or with generated pages, and adds
// some broken URLs.

#include <parallelpipe.hpp>

#include "support/bars.hpp"
#include "support/command_line.hpp"
#include "support/download.hpp"
#include "support/local_site.hpp"
#include "support/title.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace parallelpipe;
using Clock = std::chrono::steady_clock;

struct WordCount {
    std::string word;
    std::size_t count;
};

// ---- the stages after download() --------------------------------------------------------------

void left_out(std::exception_ptr error, const std::string& url) { say_left_out(url, error); }

/// Yields the title of each page that has one. Both workers count in the same `found`.
generator<std::string> get_titles(Input<std::string> pages, std::atomic<std::size_t>& found) {
    for (const std::string& html : pages) {
        if (auto title = title_of(html)) {
            ++found;
            co_yield *std::move(title);
        }
    }
}

/// Reads all titles, then yields the `rows` most common words.
generator<WordCount> most_common(Input<std::string> titles, std::size_t rows) {
    std::map<std::string, std::size_t> counts;
    for (const std::string& title : titles)
        for (std::string&& word : words_of(title)) ++counts[std::move(word)];

    std::vector<WordCount> sorted;
    for (const auto& [word, count] : counts) sorted.push_back({word, count});
    std::ranges::sort(sorted, {}, [](const WordCount& row) {
        return std::pair(-static_cast<std::ptrdiff_t>(row.count), std::string_view(row.word));
    });
    for (WordCount& row : sorted | std::views::take(rows)) co_yield std::move(row);
}

// ---- the program ----------------------------------------------------------------------------

constexpr const char* usage =
    "usage: 02_titles [--timeout SECONDS] URL...\n"
    "       02_titles [--generated]\n"
    "Prints the most common words of the titles of web pages. Without URLs it fetches\n"
    "the HTML documentation of this machine from a server of its own; generated pages\n"
    "with --generated, or if there is little documentation.\n";

int titles(CommandLine line) {
    const bool generated = line.has("--generated");
    const std::optional<unsigned> timeout = line.number("--timeout");
    std::vector<std::string> urls = line.names();
#ifdef SIGPIPE
    std::signal(SIGPIPE, SIG_IGN);  // a closed connection fails one URL, not the program
#endif
    std::optional<LocalSite> site;
    if (urls.empty()) {
        site.emplace(generated);
        urls = site->urls();
        std::cout << "serving " << site->what() << " at " << site->address() << '\n';
    }
    const std::chrono::seconds time_limit(timeout.value_or(site ? 1 : 10));

    std::atomic<std::size_t> found = 0;
    const auto pipeline =
        urls |
        map_stage({.workers = 4, .name = "fetch"}, download)(time_limit).dead_letter(left_out) |
        stage({.workers = 2, .name = "get_titles"}, get_titles)(std::ref(found)) |
        stage({.name = "most_common"}, most_common)(std::size_t{10});
    std::cout << pipeline << '\n' << std::flush;

    const auto start = Clock::now();
    std::size_t most = 0;
    auto results = pipeline.results();
    for (const auto& [word, count] : results) {
        if (most == 0) std::cout << "\nThe most common words of the titles:\n";
        most = std::max(most, count);
        print_bar(word, 16, count, most);
    }
    const std::chrono::duration<double> time = Clock::now() - start;
    const std::size_t skipped = results.stats().stages[1].skipped;  // [0] is the list of URLs
    const std::size_t pages = urls.size() - skipped;
    std::cout << '\n'
              << pages << " pages fetched, " << found << " titles, " << skipped
              << " URLs left out, " << std::fixed << std::setprecision(2) << time.count() << " s\n";
    return pages != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, titles); }
