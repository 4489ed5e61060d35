// Reads the log of a web server and prints a table of the busiest clients.
//
//     05_logstats [--workers N] [--lines N] [--check] [FILE]
//
// N workers parse the lines, N other workers count per client. partition_by sends all requests of a
// client to the same worker, in the order of the log. Each worker therefore has a map of its own,
// without a lock, and no client is in two maps. Without a file the program generates a log. --check
// also counts in a plain loop and compares the results.

#include <parallelpipe.hpp>

#include "support/access_log.hpp"
#include "support/command_line.hpp"
#include "support/text_files.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iomanip>
#include <iostream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace parallelpipe;

struct Client {
    std::string name;
    std::size_t requests = 0;
    std::uint64_t bytes = 0;
    std::size_t errors = 0;    // responses 4xx
    std::size_t failures = 0;  // responses 5xx
    std::size_t visits = 0;    // half an hour without a request ends a visit
    std::chrono::sys_seconds last_seen;

    void add(const Entry& entry) {
        name = entry.client;
        if (requests == 0 || entry.time - last_seen > std::chrono::minutes(30)) ++visits;
        ++requests;
        bytes += entry.bytes;
        errors += entry.status / 100 == 4;
        failures += entry.status / 100 == 5;
        last_seen = std::max(last_seen, entry.time);
    }
    bool operator==(const Client&) const = default;
};
using Clients = std::vector<Client>;

// ---- the stages -----------------------------------------------------------------------------

generator<std::string> read_blocks(std::string file, std::size_t lines, Reading& reading) {
    return file.empty() ? sample_log(lines) : blocks_of(file, reading);
}

generator<std::string> lines_of(const std::string& block) {
    for (std::size_t at = 0; at < block.size();) {
        const std::size_t end = std::min(block.find('\n', at), block.size());
        co_yield block.substr(at, end - at);
        at = end + 1;
    }
}

/// Counts per client. Each worker has a map of its own, because its clients come to it alone.
generator<Client> follow(Input<Entry> entries) {
    std::unordered_map<std::string, Client> clients;
    for (const Entry& entry : entries) clients[entry.client].add(entry);
    for (auto& [name, client] : clients) co_yield std::move(client);
}

// ---- the program ----------------------------------------------------------------------------

void sort_busiest_first(Clients& clients) {
    std::ranges::sort(clients, [](const Client& a, const Client& b) {
        return std::tie(b.requests, a.name) < std::tie(a.requests, b.name);
    });
}

void print_row(auto requests, auto bytes, auto errors, auto failures, auto visits,
               std::string_view client) {
    std::cout << std::setw(8) << requests << std::setw(12) << bytes << std::setw(7) << errors
              << std::setw(7) << failures << std::setw(8) << visits << "  " << client << '\n';
}

Clients plain_loop(generator<std::string> blocks) {
    std::unordered_map<std::string, Client> clients;
    for (const std::string& block : blocks) {
        for (const std::string& line : lines_of(block)) {
            try {
                const Entry entry = parse_entry(line);
                clients[entry.client].add(entry);
            } catch (const std::invalid_argument&) {
                continue;
            }
        }
    }
    const auto values = clients | std::views::values;
    Clients all(values.begin(), values.end());
    sort_busiest_first(all);
    return all;
}

constexpr const char* usage =
    "usage: 05_logstats [--workers N] [--lines N] [--check] [FILE]\n"
    "Prints the 20 busiest clients in the log of a web server (common or combined log format).\n"
    "  --workers N  use N threads for each step (default: as many as there are cores)\n"
    "  --lines N    generate N lines if there is no FILE (default: a million)\n"
    "  --check      count in a plain loop too and compare\n";

int logstats(CommandLine line) {
    const std::size_t workers = line.workers();
    const std::size_t lines = line.number("--lines").value_or(1'000'000);
    const bool check = line.has("--check");
    const auto names = line.names(1);
    const std::string file = names.empty() ? "" : names[0];

    Reading reading;
    // Lines wait for the lines of earlier blocks: the queue holds a few blocks of lines per worker.
    const auto pipeline =
        stage({.qsize = workers, .name = "read"}, read_blocks)(file, lines, std::ref(reading)) |
        fuse({.workers = workers, .qsize = 4096 * workers, .ordered = true, .name = "parse"},
             flat_map(lines_of) | map_stage({.on_error = OnError::skip}, parse_entry)) |
        stage({.workers = workers, .name = "follow"}, follow).partition_by(&Entry::client);

    auto results = pipeline.results();
    Clients clients;
    for (Client& client : results) clients.push_back(std::move(client));
    sort_busiest_first(clients);
    if (!reading.problems.empty()) throw std::runtime_error(reading.problems.front());
    if (clients.empty()) throw std::runtime_error("there is no request to count");

    print_row("requests", "bytes", "4xx", "5xx", "visits", "client");
    for (const Client& c : clients | std::views::take(20))
        print_row(c.requests, c.bytes, c.errors, c.failures, c.visits, c.name);
    std::size_t requests = 0;
    for (const Client& client : clients) requests += client.requests;
    std::cout << "\nrequests: " << requests << ", clients: " << clients.size()
              << ", malformed lines: " << results.stats().stages[1].skipped << '\n';
    if (!check) return EXIT_SUCCESS;

    const bool same = clients == plain_loop(read_blocks(file, lines, reading));
    std::cout << (same ? "check: both counted the same\n" : "check: THE RESULTS DIFFER\n");
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, logstats); }
