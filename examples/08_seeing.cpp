// Observes a run: a progress bar, a report that names the bottleneck, a page, a trace and a graph.
//
//     08_seeing [--quiet] [--stall] [--html FILE] [--trace FILE] [--dot FILE] [ITEMS]
//
// The stages write, pack and check generated texts; checking takes longest. A Monitor records the
// run, a ProgressBar shows its progress, and the report names the bottleneck. With --stall the stage
// "check" waits for ever at one text: the watchdog reports the stall and ends the run.

#include <parallelpipe.hpp>

#include "support/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace parallelpipe;
using namespace std::chrono_literals;

/// Generates a text of 50 lines.
std::string text_number(std::size_t number) {
    std::string text;
    std::uint64_t state = number;
    for (int i = 0; i < 400; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text += "item " + std::to_string(state >> 40) + (i % 8 == 7 ? "\n" : ", ");
    }
    return text;
}

/// Run-length encoding: replaces a run of one character by the character and its length.
std::string pack(const std::string& text) {
    std::string packed;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = std::min(text.find_first_not_of(text[i], i), text.size());
        packed += text[i];
        if (end - i > 1) packed += std::to_string(end - i);
        i = end;
    }
    return packed;
}

/// The slow step: computes the same sum 40 times.
std::uint64_t checksum(const std::string& text) {
    std::uint64_t sum = 0;
    for (int round = 0; round < 40; ++round)
        for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return sum;
}

/// Waits until the run is stopped.
void wait_for_ever() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, this_worker::stop_token(), [] { return false; });
}

constexpr const char* usage =
    "usage: 08_seeing [--quiet] [--stall] [--html FILE] [--trace FILE] [--dot FILE] [ITEMS]\n"
    "Runs a pipeline over ITEMS (default 2000) generated texts and shows what limits it.\n"
    "  --quiet       show no progress bar\n"
    "  --stall       let one stage stall; the watchdog ends the run\n"
    "  --html FILE   write a page that shows the run\n"
    "  --trace FILE  write a timeline of every thread, for ui.perfetto.dev\n"
    "  --dot FILE    write the pipeline as a graph for Graphviz\n";

int seeing(CommandLine line) {
    const bool quiet = line.has("--quiet");
    const bool stalls = line.has("--stall");
    const auto html = line.value("--html");
    const auto trace = line.value("--trace");
    const auto dot = line.value("--dot");
    const auto names = line.names(1);
    std::size_t items = 2000;
    if (!names.empty()) {
        const char* const end = names[0].data() + names[0].size();
        const auto [last, error] = std::from_chars(names[0].data(), end, items);
        if (error != std::errc() || last != end || items == 0) throw WrongUsage();
    }

    const auto pipeline =
        std::views::iota(std::size_t{0}, items) |
        map_stage({.workers = 2, .qsize = 32, .name = "write"}, text_number) |
        map_stage({.qsize = 32, .name = "pack"}, pack) |
        map_stage({.qsize = 32, .name = "check"},
                  [stalls, done = std::size_t{0}](const std::string& text) mutable {
                      if (stalls && ++done == 100) wait_for_ever();
                      return std::pair(text.size(), checksum(text));
                  });
    std::cout << pipeline << '\n' << std::flush;

    Monitor monitor;
    ProgressBar bar(std::cerr, {.total = items, .quiet = quiet, .label = "texts"});
    monitor.record(20ms).on_progress(100ms, [&bar](const Statistics& now) { bar.update(now); });
    if (trace) monitor.trace();
    if (stalls) monitor.cancel_on_stall(500ms);

    std::size_t bytes = 0;
    std::uint64_t sum = 0;
    try {
        for (const auto& [size, checked] : pipeline.results(monitor)) {
            bytes += size;
            sum ^= checked;
        }
    } catch (const TaskException& error) {
        bar.finish();
        std::cerr << error.what() << '\n';
        if (!stalls) throw;
    }
    bar.finish();
    const Statistics stats = monitor.stats();
    report(std::cerr, stats);
    if (stalls)
        std::cout << "ended by the watchdog\n";
    else
        std::cout << stats.consumer.items << " texts, " << bytes << " bytes packed, checksum "
                  << sum << '\n';

    if (html) write_html(*html, stats, "08_seeing");
    if (trace) write_trace(*trace, monitor);
    if (dot) {
        std::ofstream out(*dot);
        out << to_dot(stats);
        if (!out.flush()) throw std::runtime_error(*dot + ": cannot be written");
    }
    return EXIT_SUCCESS;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, seeing); }
