// Counts the words of files with all cores and prints the most common ones.
//
//     03_wordcount [--workers N] [--check] DIRECTORY|FILE...
//
// One worker reads the files in blocks of whole lines, N workers count the words of the blocks, each
// in a map of its own, and one worker adds the maps up. --check does the same in a plain loop,
// compares the two results and prints both times.

#include <parallelpipe.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace parallelpipe;
namespace fs = std::filesystem;

// ---- reading --------------------------------------------------------------------------------

/// What was read. Only the one worker that reads writes it, and main looks at it when the run is over.
struct Reading {
    std::size_t files = 0;
    std::size_t bytes = 0;
    std::size_t binary_files = 0;
    std::vector<std::string> problems;
};

/// The files below the roots, one by one; what cannot be looked at becomes a problem.
generator<fs::path> files_below(const std::vector<fs::path>& roots, Reading& reading) {
    const auto problem = [&](const fs::path& path, const std::error_code& error) {
        reading.problems.push_back(path.string() + ": " + error.message());
    };
    for (const fs::path& root : roots) {
        std::error_code error;
        const fs::file_type type = fs::status(root, error).type();
        if (type != fs::file_type::directory) {
            if (error)
                problem(root, error);
            else
                co_yield root;
            continue;
        }
        std::vector<fs::path> directories = {root};
        while (!directories.empty()) {
            const fs::path directory = std::move(directories.back());
            directories.pop_back();
            fs::directory_iterator entry(directory, error);
            for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
                std::error_code unknown;  // of one entry: a dangling link, for instance
                if (entry->is_directory(unknown) && !entry->is_symlink(unknown))
                    directories.push_back(entry->path());
                else if (entry->is_regular_file(unknown))
                    co_yield entry->path();
            }
            if (error) problem(directory, error);
        }
    }
}

/// The text of the files, in blocks of about 64 KiB that end with a line. Binary files are left out.
generator<std::string> read_blocks(const std::vector<fs::path>& roots, Reading& reading) {
    constexpr std::size_t block_size = 64 * 1024;
    for (const fs::path& path : files_below(roots, reading)) {
        std::ifstream file(path, std::ios::binary);
        std::string block;
        bool binary = false;
        for (bool first = true; file && !binary; first = false) {
            const std::size_t carried = block.size();  // the begin of a line, from the last block
            block.resize(carried + block_size);
            file.read(block.data() + carried, block_size);
            block.resize(carried + static_cast<std::size_t>(file.gcount()));
            binary = first && block.find('\0') != block.npos;
            const std::size_t line_end = block.rfind('\n');
            if (binary || !file || line_end == block.npos) continue;
            std::string rest = block.substr(line_end + 1);
            block.resize(line_end + 1);
            reading.bytes += block.size();
            co_yield std::move(block);
            block = std::move(rest);
        }
        if (!file.is_open() || file.bad()) {
            reading.problems.push_back(path.string() + ": cannot be read");
        } else if (binary) {
            ++reading.binary_files;
        } else {
            ++reading.files;
            reading.bytes += block.size();
            if (!block.empty()) co_yield std::move(block);
        }
    }
}

// ---- counting -------------------------------------------------------------------------------

/// Lets the map be searched for a string_view without making a string of it.
struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
};
using Counts = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

/// A word: letters, digits and underscores, and whatever is not ASCII, without a digit in front.
bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// One map per worker: what stands before the loop is its set-up, what stands behind it its finish.
generator<Counts> count(Input<std::string> blocks) {
    Counts counts;
    for (std::string& block : blocks) {
        std::ranges::transform(block, block.begin(), lower);  // the item is ours to change
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

generator<Counts> merge(Input<Counts> parts) {
    Counts total;
    for (Counts& part : parts) {
        if (part.size() > total.size()) std::swap(part, total);
        for (auto& [word, times] : part) total[word] += times;
    }
    co_yield std::move(total);
}

// ---- the program ----------------------------------------------------------------------------

void print_top(const Counts& counts, std::size_t rows) {
    using Row = std::pair<std::string, std::size_t>;
    std::vector<Row> top(std::min(rows, counts.size()));
    std::ranges::partial_sort_copy(counts, top, [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    std::size_t width = 4;
    for (const auto& [word, times] : top)
        width = std::max(width, std::min<std::size_t>(word.size(), 30));
    for (const auto& [word, times] : top)
        std::cout << std::setw(12) << times << "  " << std::left
                  << std::setw(static_cast<int>(width)) << word << std::right << "  "
                  << std::string(std::max<std::size_t>(1, 40 * times / top.front().second), '#')
                  << '\n';
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

int usage() {
    std::cerr << "usage: 03_wordcount [--workers N] [--check] DIRECTORY|FILE...\n"
                 "Prints the 20 most common words of the files.\n"
                 "  --workers N  count with N threads (default: as many as there are cores)\n"
                 "  --check      count in a plain loop too, compare, and print both times\n";
    return 2;
}

int main(int argc, char** argv) try {
    std::size_t workers = std::max(1u, std::thread::hardware_concurrency());
    bool check = false;
    std::vector<fs::path> roots;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--check") {
            check = true;
        } else if (argument == "--workers" && i + 1 < argc) {
            const std::string_view number = argv[++i];
            const auto end = number.data() + number.size();
            const auto [last, error] = std::from_chars(number.data(), end, workers);
            if (error != std::errc() || last != end || workers == 0) return usage();
        } else if (argument.starts_with('-')) {
            return usage();
        } else {
            roots.emplace_back(argument);
        }
    }
    if (roots.empty()) return usage();

    // So that both ways of counting find the files in memory, not only the second.
    if (check) {
        Reading ignored;
        for ([[maybe_unused]] std::string&& block : read_blocks(roots, ignored)) continue;
    }

    Reading reading;
    const auto pipeline =
        stage({.qsize = 64, .name = "read_blocks"}, read_blocks)(roots, std::ref(reading)) |
        stage({.workers = workers, .name = "count"}, count) | stage({.name = "merge"}, merge);
    std::cout << pipeline << "\n\n" << std::flush;

    const auto start = Clock::now();
    const Counts counts = pipeline.execute();
    const double seconds = seconds_since(start);

    for (const std::string& problem : reading.problems)
        std::cerr << "03_wordcount: left out " << problem << '\n';
    if (reading.files == 0) {
        std::cerr << "03_wordcount: there is no text to count\n";
        return EXIT_FAILURE;
    }
    print_top(counts, 20);

    std::size_t words = 0;
    for (const auto& [word, times] : counts) words += times;
    const double megabytes = static_cast<double>(reading.bytes) / 1e6;
    std::cout << std::fixed << '\n'
              << words << " words, " << counts.size() << " different ones, in " << reading.files
              << " files, ";
    if (reading.bytes < 100'000)
        std::cout << reading.bytes << " bytes";
    else
        std::cout << std::setprecision(1) << megabytes << " MB";
    if (reading.binary_files != 0) std::cout << "; binary files left out: " << reading.binary_files;
    std::cout << '\n';
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
} catch (const std::exception& error) {
    std::cerr << "03_wordcount: " << error.what() << '\n';
    return EXIT_FAILURE;
}
