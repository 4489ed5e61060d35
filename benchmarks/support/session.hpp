#ifndef PARALLELPIPE_BENCHMARKS_SESSION_HPP
#define PARALLELPIPE_BENCHMARKS_SESSION_HPP

#include "json.hpp"
#include "machine.hpp"
#include "neighbours.hpp"
#include "options.hpp"
#include "table.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// One run of a benchmark program: measures tables, prints them, and writes them to a JSON file.
class Session {
public:
    Session(std::string name, int argc, char** argv)
        : name_(std::move(name)), options_(parse_options(argc, argv)) {}

    const Options& options() const { return options_; }
    bool wants(const std::string& title) const {
        return title.find(options_.table) != std::string::npos;
    }

    /// Runs the contenders in turn, A B C A B C ..., after one round that does not count. A drift of the
    /// machine's speed affects all contenders alike. Rounds in which other programs use the machine are
    /// repeated until `--patience` seconds are spent; the load decides, not the result. `--others`
    /// switches the repetition off.
    void measure(const Table& table) {
        if (!wants(table.title)) return;
        std::vector<Measured> rows;
        for (const Contender& contender : table.contenders)
            if (contender.name.find(options_.only) != std::string::npos)
                rows.push_back({&contender, {}});
        if (rows.empty()) return;

        Conditions conditions;
        conditions.line_before = line_latency();
        bool same = true;
        const auto run_round = [&] {
            std::vector<std::vector<double>> round;
            const Neighbours neighbours(options_.others);
            for (const Measured& row : rows) {
                // Lets the threads that a peer keeps fall asleep before the next contender starts.
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
                Figures figures = row.contender->run();
                if (!conditions.checksum) conditions.checksum = figures.checksum;
                same = same && figures.checksum == conditions.checksum;
                round.push_back(std::move(figures.values));
            }
            return round;
        };
        run_round();
        double patience = options_.patience;
        for (std::size_t round = 0; round < options_.rounds;) {
            const Others others;
            const auto figures = run_round();
            const double used = others.processors();
            if (used > disturbing && patience > 0 && options_.others == 0) {
                ++conditions.repeated;
                patience -= others.seconds();
                continue;
            }
            conditions.others.push_back(used);
            for (std::size_t i = 0; i < rows.size(); ++i) rows[i].rounds.push_back(figures[i]);
            ++round;
        }
        conditions.line_after = line_latency();

        print(table, rows, conditions);
        tables_.push_back(described(table, rows, conditions));
        if (table.is_exact && !same) fail("the checksums of the contenders differ");
    }

    /// Prints the failure and makes the exit status of the program EXIT_FAILURE.
    void fail(const std::string& what) {
        std::cout << "  FAILED: " << what << '\n';
        good_ = false;
    }

    /// Writes the JSON file. Returns the program's exit status.
    int finish() const {
        if (!options_.json.empty()) {
            std::ofstream file(options_.json);
            file << json::object({{"program", json::text(name_)},
                                  {"rounds", json::number(static_cast<double>(options_.rounds))},
                                  {"scale", json::number(options_.scale)},
                                  {"processors", json::number(std::thread::hardware_concurrency())},
                                  {"others", json::number(static_cast<double>(options_.others))},
                                  {"compiler", json::text(compiler())},
                                  {"good", good_ ? "true" : "false"},
                                  {"tables", json::array(tables_)}})
                 << '\n';
            if (!file.flush()) {
                std::cerr << "cannot write " << options_.json << '\n';
                return EXIT_FAILURE;
            }
        }
        return good_ ? EXIT_SUCCESS : EXIT_FAILURE;
    }

private:
    struct Measured {
        const Contender* contender;
        std::vector<std::vector<double>> rounds;

        std::vector<double> column(std::size_t which) const {
            std::vector<double> values;
            for (const std::vector<double>& round : rounds) values.push_back(round[which]);
            return values;
        }
    };
    struct Conditions {
        double line_before = 0;
        double line_after = 0;
        std::vector<double> others = {};  // processors that other programs used, in each round
        std::size_t repeated = 0;         // discarded rounds
        std::optional<unsigned long long> checksum = std::nullopt;
    };

    /// A round in which other programs use more processors than this is run again.
    static constexpr double disturbing = 0.2;

    static std::string compiler() {
#if defined(__clang__)
        return "clang " __clang_version__;
#elif defined(__GNUC__)
        return "g++ " __VERSION__;
#else
        return "unknown";
#endif
    }

    static const char* word(Role role) {
        switch (role) {
            case Role::ours: return "ours";
            case Role::peer: return "peer";
            case Role::holds_back: return "holds back";
            default: return "reference";
        }
    }

    /// The fastest peer; `holding_back`: including the peers that hold items back.
    static const Measured* best_peer(const std::vector<Measured>& rows, bool holding_back) {
        const Measured* best = nullptr;
        for (const Measured& row : rows) {
            const Role role = row.contender->role;
            if (role != Role::peer && !(holding_back && role == Role::holds_back)) continue;
            if (!best || median(row.column(0)) < median(best->column(0))) best = &row;
        }
        return best;
    }

    /// The median of the ratios of the single rounds: a slow round affects both figures alike.
    static double ratio(const Measured& row, const Measured* to) {
        if (!to) return 0;
        std::vector<double> ratios;
        for (std::size_t round = 0; round < row.rounds.size(); ++round)
            if (to->rounds[round][0] > 0)
                ratios.push_back(row.rounds[round][0] / to->rounds[round][0]);
        return median(ratios);
    }

    static void print(const Table& table, const std::vector<Measured>& rows,
                      const Conditions& conditions) {
        const Measured* const best = best_peer(rows, true);
        const Measured* const at_once = best_peer(rows, false);
        std::cout << "\n" << table.title << "\n  " << std::left << std::setw(34) << "" << std::right;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            std::cout << "  " << std::setw(10) << table.columns[i];
            if (i == 0)
                std::cout << "  " << std::setw(20) << "(least .. most)" << "  /best peer  /at once";
        }
        std::cout << std::fixed << std::setprecision(2) << '\n';
        for (const Measured& row : rows) {
            const bool ours = row.contender->role == Role::ours;
            std::cout << (ours ? "> " : "  ") << std::left << std::setw(34) << row.contender->name
                      << std::right;
            for (std::size_t i = 0; i < table.columns.size(); ++i) {
                const std::vector<double> values = row.column(i);
                std::cout << "  " << std::setw(10) << median(values);
                if (i > 0) continue;
                const auto [least, most] = std::ranges::minmax(values);
                std::cout << "  (" << std::setw(7) << least << " .. " << std::setw(7) << most << ")";
                if (best) std::cout << "  " << std::setw(10) << ratio(row, best);
                else std::cout << "  " << std::setw(10) << "";
                if (at_once) std::cout << "  " << std::setw(8) << ratio(row, at_once);
                else std::cout << "  " << std::setw(8) << "";
            }
            std::cout << '\n';
        }
        std::cout << "  a cache line took " << conditions.line_before << " ns before, "
                  << conditions.line_after << " ns after; other programs used "
                  << median(conditions.others) << " processors; " << conditions.repeated
                  << " rounds repeated\n"
                  << std::flush;
    }

    static std::string described(const Table& table, const std::vector<Measured>& rows,
                                 const Conditions& conditions) {
        const Measured* const best = best_peer(rows, true);
        const Measured* const at_once = best_peer(rows, false);
        std::vector<std::string> columns;
        for (const std::string& column : table.columns) columns.push_back(json::text(column));
        std::vector<std::string> described;
        for (const Measured& row : rows) {
            std::vector<std::string> medians, rounds;
            for (std::size_t i = 0; i < table.columns.size(); ++i)
                medians.push_back(json::number(median(row.column(i))));
            for (const std::vector<double>& round : row.rounds) rounds.push_back(json::numbers(round));
            described.push_back(json::object(
                {{"name", json::text(row.contender->name)},
                 {"role", json::text(word(row.contender->role))},
                 {"median", json::array(medians)},
                 {"to_best_peer", best ? json::number(ratio(row, best)) : "null"},
                 {"to_best_at_once", at_once ? json::number(ratio(row, at_once)) : "null"},
                 {"rounds", json::array(rounds)}}));
        }
        return json::object({{"title", json::text(table.title)},
                             {"columns", json::array(columns)},
                             {"line_ns_before", json::number(conditions.line_before)},
                             {"line_ns_after", json::number(conditions.line_after)},
                             {"others_processors", json::numbers(conditions.others)},
                             {"rounds_repeated", json::number(static_cast<double>(conditions.repeated))},
                             {"rows", json::array(described)}});
    }

    std::string name_;
    Options options_;
    std::vector<std::string> tables_;
    bool good_ = true;
};

}  // namespace bench

#endif
