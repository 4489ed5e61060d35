// Counts the words of files with all cores and prints the most common ones.
//
//     03_wordcount [--workers N] [--check] [--html FILE] [--trace FILE] DIRECTORY|FILE...
//
// One worker reads the files in blocks of whole lines, N workers count the words of the blocks in a
// map of their own each, and one merges the maps. --check also counts in a plain loop, compares the
// results and prints both times. --html writes a page that shows where the time went, --trace a
// timeline of every thread.

#include <parallelpipe.hpp>

#include "support/bars.hpp"
#include "support/command_line.hpp"
#include "support/text_files.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace parallelpipe;

/// A transparent hash: finds a std::string key by a string_view without a temporary string.
struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
};
using Counts = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

/// Whether `c` belongs to a word: an ASCII letter, a digit, an underscore or any byte beyond ASCII.
bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// ---- the stages -----------------------------------------------------------------------------

/// Yields the blocks of all files. Only this worker writes `reading`; main reads it after the run.
generator<std::string> read_blocks(const std::vector<std::string>& roots, Reading& reading) {
    for (const std::filesystem::path& file : files_below(roots, reading))
        co_yield elements_of(blocks_of(file, reading));
}

/// Counts words in one map per worker. The code before the loop sets the worker up; the code after it
/// runs at the end of the input.
generator<Counts> count(Input<std::string> blocks) {
    Counts counts;
    for (std::string& block : blocks) {
        std::ranges::transform(block, block.begin(), to_lower);  // a stage may change its items
        for (auto end = block.begin();;) {
            const auto begin = std::find_if(end, block.end(), in_word);
            if (begin == block.end()) break;
            end = std::find_if_not(begin, block.end(), in_word);
            if (is_digit(*begin)) continue;
            const std::string_view word(begin, end);
            if (const auto found = counts.find(word); found != counts.end())
                ++found->second;
            else
                counts.emplace(word, 1);
        }
    }
    co_yield std::move(counts);
}

Counts add(Counts total, Counts part) {
    if (part.size() > total.size()) std::swap(part, total);
    for (auto& [word, times] : part) total[word] += times;
    return total;
}

// ---- the program ----------------------------------------------------------------------------

void print_top(const Counts& counts, std::size_t rows) {
    std::vector<std::pair<std::string, std::size_t>> top(std::min(rows, counts.size()));
    std::ranges::partial_sort_copy(counts, top, [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    std::size_t width = 4;
    for (const auto& [word, times] : top)
        width = std::max(width, std::min<std::size_t>(word.size(), 30));
    for (const auto& [word, times] : top) print_bar(word, width, times, top.front().second);
}

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_time(std::string_view what, double seconds, double megabytes) {
    std::cout << std::left << std::setw(12) << what << std::right << std::setw(7)
              << std::setprecision(3) << seconds << " s " << std::setw(7) << std::setprecision(1)
              << megabytes / seconds << " MB/s\n";
}

constexpr const char* usage =
    "usage: 03_wordcount [--workers N] [--check] [--html FILE] [--trace FILE] DIRECTORY|FILE...\n"
    "Prints the 20 most common words of the files.\n"
    "  --workers N   count with N threads (default: as many as there are cores)\n"
    "  --check       count in a plain loop too, compare, and print both times\n"
    "  --html FILE   write a page that shows where the time went\n"
    "  --trace FILE  write a timeline of every thread, for ui.perfetto.dev\n";

int wordcount(CommandLine line) {
    const std::size_t workers = line.workers();
    const bool check = line.has("--check");
    const auto html = line.value("--html");
    const auto trace = line.value("--trace");
    const std::vector<std::string> roots = line.names();
    if (roots.empty()) throw WrongUsage();

    // Reads all files once: then the operating system has them in memory for both counts.
    if (check) {
        Reading ignored;
        for ([[maybe_unused]] std::string&& block : read_blocks(roots, ignored)) continue;
    }

    Reading reading;
    const auto pipeline =
        stage({.qsize = 64, .name = "read_blocks"}, read_blocks)(roots, std::ref(reading)) |
        stage({.workers = workers, .name = "count"}, count) |
        reduce({.name = "merge"}, Counts(), add);
    std::cout << pipeline << "\n\n" << std::flush;

    Monitor monitor;
    if (html) monitor.record();
    if (trace) monitor.trace();
    const auto start = Clock::now();
    const Counts counts = pipeline.execute(monitor);
    const double seconds = seconds_since(start);

    if (html) write_html(*html, monitor.stats(), "03_wordcount");
    if (trace) write_trace(*trace, monitor);
    for (const std::string& problem : reading.problems)
        std::cerr << "03_wordcount: left out " << problem << '\n';
    if (reading.files == 0) throw std::runtime_error("there is no text to count");
    print_top(counts, 20);

    std::size_t words = 0;
    for (const auto& [word, times] : counts) words += times;
    std::cout << std::fixed << '\n'
              << words << " words, " << counts.size() << " different ones, in " << reading.files
              << " files, " << reading.bytes
              << " bytes; binary files left out: " << reading.binary_files << '\n';
    const double megabytes = static_cast<double>(reading.bytes) / 1e6;
    print_time("pipeline", seconds, megabytes);
    if (!check) return EXIT_SUCCESS;

    // A stage function is an ordinary function: this is the same work without a pipeline.
    Reading again;
    Counts expected;
    const auto plain_start = Clock::now();
    for (Counts&& all : count(Input<std::string>(read_blocks(roots, again))))
        expected = std::move(all);
    const double plain_seconds = seconds_since(plain_start);
    print_time("plain loop", plain_seconds, megabytes);
    std::cout << "speed-up    " << std::setw(7) << std::setprecision(2) << plain_seconds / seconds
              << '\n';
    const bool same = counts == expected;
    std::cout << (same ? "check: both counted the same\n" : "check: THE RESULTS DIFFER\n");
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, wordcount); }
