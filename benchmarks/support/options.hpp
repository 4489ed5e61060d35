#ifndef PARALLELPIPE_BENCHMARKS_OPTIONS_HPP
#define PARALLELPIPE_BENCHMARKS_OPTIONS_HPP

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace bench {

/// The command line options of every benchmark program.
struct Options {
    std::size_t rounds = 7;  // measured rounds, after one warm-up round
    double scale = 1;        // factor for the number of items
    std::string json;        // file for the figures; empty: none
    std::string only;        // runs the contenders whose names contain this; empty: all
    std::string table;       // runs the tables whose titles contain this; empty: all
    double patience = 0;     // seconds a table may spend on repeating disturbed rounds
    std::size_t others = 0;  // number of processes that compute at the same time

    std::size_t items(double full) const {
        const auto scaled = static_cast<std::size_t>(full * scale);
        return scaled < 16 ? 16 : scaled;
    }
};

inline Options parse_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--quick") {
            options.rounds = 3;
            options.scale = 0.2;
            continue;
        }
        if (i + 1 < argc) {
            const char* value = argv[++i];
            if (option == "--rounds") {
                options.rounds = std::strtoull(value, nullptr, 10);
                if (options.rounds > 0) continue;
            } else if (option == "--scale") {
                options.scale = std::strtod(value, nullptr);
                if (options.scale > 0) continue;
            } else if (option == "--patience") {
                options.patience = std::strtod(value, nullptr);
                if (options.patience >= 0) continue;
            } else if (option == "--others") {
                options.others = std::strtoull(value, nullptr, 10);
                if (options.others > 0) continue;
            } else if (option == "--json") {
                options.json = value;
                continue;
            } else if (option == "--only") {
                options.only = value;
                continue;
            } else if (option == "--table") {
                options.table = value;
                continue;
            }
        }
        std::cerr << "usage: " << argv[0]
                  << " [--quick] [--rounds N] [--scale X] [--table PART_OF_TITLE]"
                     " [--only PART_OF_NAME] [--patience SECONDS] [--others N] [--json FILE]\n";
        std::exit(2);
    }
    return options;
}

}  // namespace bench

#endif
