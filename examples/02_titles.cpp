// Fetches web pages and prints the most common words of their titles.
//
//     02_titles [--timeout SECONDS] URL...
//     02_titles [--generated]
//
// Four workers fetch, because fetching is mostly waiting; two look for titles; one counts. Dead
// links, timeouts and pages that are not HTML are reported, and the rest goes on. Without URLs it
// serves itself the HTML documentation of this machine, or generated pages, with some trouble in it.

#include <parallelpipe.hpp>

#include "support/local_site.hpp"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
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
#include <stdexcept>
#include <string>
#include <string_view>
#include <syncstream>
#include <utility>
#include <vector>

using namespace parallelpipe;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::seconds;

struct Page {
    std::string url;
    std::string html;
};

struct WordCount {
    std::string word;
    std::size_t count;
};

/// Counted by several workers at once: each gets a reference to the same one.
struct Tally {
    std::atomic<std::size_t> pages = 0;
    std::atomic<std::size_t> failures = 0;
    std::atomic<std::size_t> titles = 0;
};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// ---- fetch ----------------------------------------------------------------------------------

std::string why(httplib::Error error) {
    switch (error) {
        case httplib::Error::Connection:
            return "no connection";
        case httplib::Error::ConnectionTimeout:
            return "no connection in time";
        case httplib::Error::Read:
            return "no answer in time, or a broken one";
        case httplib::Error::SSLServerVerification:
            return "its certificate cannot be verified";
        case httplib::Error::ExceedRedirectCount:
            return "too many redirections";
        default:
            return "error of the HTTP client: " + httplib::to_string(error);
    }
}

/// Errors: std::exception, whose text says why there is no page.
std::string download(const std::string& url, Seconds timeout) {
    constexpr std::size_t largest = 16'000'000;
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        throw std::runtime_error("not a http URL");
#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
    if (url.starts_with("https:"))
        throw std::runtime_error(
            "https needs cpp-httplib with OpenSSL; this program is built without");
#endif
    const std::size_t path_begin =
        std::min(url.find_first_of("/?#", url.find("://") + 3), url.size());
    const std::string site = url.substr(0, path_begin);
    std::string path = url.substr(path_begin, url.find('#') - path_begin);
    if (!path.starts_with('/')) path.insert(0, "/");

    std::optional<httplib::Client> connection;
    try {
        connection.emplace(site);
    } catch (const std::exception&) {
        throw std::runtime_error("no such host or port can be");
    }
    httplib::Client& client = *connection;
    client.set_connection_timeout(timeout);
    client.set_read_timeout(timeout);
    client.set_write_timeout(timeout);
    client.set_follow_location(true);

    std::string html, problem;
    const auto deadline = Clock::now() + 10 * timeout;
    const auto result = client.Get(
        path,
        [&](const httplib::Response& response) {
            const std::string type = response.get_header_value("Content-Type");
            if (response.status != 200)
                problem = "HTTP status " + std::to_string(response.status);
            else if (!type.starts_with("text/html") && !type.starts_with("application/xhtml"))
                problem = type.empty() ? "does not say that it is HTML" : "not HTML but " + type;
            return problem.empty();
        },
        [&](const char* data, std::size_t size) {
            html.append(data, size);
            if (html.size() > largest) problem = "too large";
            if (Clock::now() > deadline) problem = "too slow";
            return problem.empty();
        });
    if (problem.empty() && !result) problem = why(result.error());
    if (!problem.empty()) throw std::runtime_error(problem);
    return html;
}

generator<Page> fetch(Input<std::string> urls, Seconds timeout, Tally& tally) {
    for (std::string& url : urls) {
        Page page{url, {}};
        try {
            page.html = download(url, timeout);
        } catch (const std::exception& error) {
            // A stage that throws ends the run: what may go wrong with one item is handled here.
            ++tally.failures;
            std::osyncstream(std::cerr) << "left out " << url << ": " << error.what() << '\n';
            continue;
        }
        ++tally.pages;
        co_yield std::move(page);
    }
}

// ---- titles and words -----------------------------------------------------------------------

/// What stands between `<title ...>` and `</title>`.
std::optional<std::string> title_of(std::string_view html) {
    const auto find = [&](std::string_view what, std::size_t from) {
        const auto rest = html.substr(from);
        const auto found = std::ranges::search(rest, what, {}, lower);
        return found.empty() ? html.npos
                             : from + static_cast<std::size_t>(found.begin() - rest.begin());
    };
    const std::size_t tag = find("<title", 0);
    if (tag == html.npos) return std::nullopt;
    const std::size_t begin = html.find('>', tag);
    if (begin == html.npos) return std::nullopt;
    const std::size_t end = find("</title", begin);
    if (end == html.npos) return std::nullopt;
    return std::string(html.substr(begin + 1, end - begin - 1));
}

/// No result or one for each page.
generator<std::string> get_titles(Input<Page> pages, Tally& tally) {
    for (Page& page : pages) {
        if (auto title = title_of(page.html)) {
            ++tally.titles;
            co_yield *std::move(title);
        }
    }
}

/// The words of four letters and more, in small letters.
generator<std::string> words_of(std::string_view title) {
    std::string word;
    for (std::size_t i = 0; i <= title.size(); ++i) {
        const char c = i < title.size() ? title[i] : ' ';
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || byte >= 0x80) {
            word += lower(c);
            continue;
        }
        if (word.size() >= 4) co_yield word;
        word.clear();
        const std::size_t entity_end = c == '&' ? title.find(';', i) : title.npos;
        if (entity_end != title.npos) i = entity_end;  // &nbsp; is no word
    }
}

/// Reads all, then yields `rows` results.
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

int usage() {
    std::cerr
        << "usage: 02_titles [--timeout SECONDS] URL...\n"
           "       02_titles [--generated]\n"
           "Prints the most common words of the titles of web pages. Without URLs it fetches\n"
           "the HTML documentation of this machine from a server of its own; generated pages\n"
           "with --generated, or if there is little documentation.\n";
    return 2;
}

int main(int argc, char** argv) try {
    int timeout = 0;
    bool generated = false;
    std::vector<std::string> urls;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--generated") {
            generated = true;
        } else if (argument == "--timeout" && i + 1 < argc) {
            const std::string_view number = argv[++i];
            const auto end = number.data() + number.size();
            const auto [last, error] = std::from_chars(number.data(), end, timeout);
            if (error != std::errc() || last != end || timeout <= 0) return usage();
        } else if (argument.starts_with('-')) {
            return usage();
        } else {
            urls.emplace_back(argument);
        }
    }
#ifdef SIGPIPE
    std::signal(SIGPIPE, SIG_IGN);  // a server that hangs up is an error of one URL, not of all
#endif

    std::optional<LocalSite> site;
    if (urls.empty()) {
        site.emplace(generated);
        urls = site->urls();
        std::cout << "serving " << site->what() << " at " << site->address() << '\n';
    }
    const Seconds patience(timeout != 0 ? timeout : site ? 1 : 10);

    Tally tally;
    const auto pipeline =
        urls | stage({.workers = 4, .name = "fetch"}, fetch)(patience, std::ref(tally)) |
        stage({.workers = 2, .name = "get_titles"}, get_titles)(std::ref(tally)) |
        stage({.name = "most_common"}, most_common)(10);
    std::cout << pipeline << '\n' << std::flush;

    const auto start = Clock::now();
    std::size_t most = 0;
    for (const auto& [word, count] : pipeline.results()) {
        if (most == 0) std::cout << "\nThe most common words of the titles:\n";
        most = std::max(most, count);
        std::cout << std::setw(6) << count << "  " << std::left << std::setw(16) << word
                  << std::right << "  "
                  << std::string(std::max<std::size_t>(1, 40 * count / most), '#') << '\n';
    }
    const std::chrono::duration<double> time = Clock::now() - start;
    std::cout << '\n'
              << tally.pages << " pages fetched, " << tally.titles << " titles, "
              << tally.failures << " URLs left out, " << std::fixed << std::setprecision(2)
              << time.count() << " s\n";
    return tally.pages != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& error) {
    std::cerr << "02_titles: " << error.what() << '\n';
    return EXIT_FAILURE;
}
