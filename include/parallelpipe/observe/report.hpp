// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_REPORT_HPP
#define PARALLELPIPE_OBSERVE_REPORT_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/stage_table.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace parallelpipe::inline v0 {

/// Writes what happened in a run as a text table: a line for each stage and one for the consumer, then the elapsed
/// time, then the verdict of explain().
///
///     stage       workers   in  out   busy  no input  no room  queued  mean  most   room
///     source            1    0  500    2 %       0 %     97 %     498   480   512    512
///     get_titles        2  500  500   98 %       1 %      1 %       0  0.10     3  1,024
///     (results)            500         1 %      98 %
///
///     10.0 s, ended; 4 cores, 52 % used
///     Stage get_titles is the bottleneck: ...
///
/// The column `cpu` appears where processor times are known; `failed`, `retried` and `skipped` where one is not 0.
/// Units: a share is a part of the time of the stage's workers, from the start of the run to its end; the columns
///   of the queue count items; times carry their unit.
/// Returns: lines that end with a newline, in UTF-8; control characters of names are replaced.
/// Errors: what `std::string` throws.
template <class...>
std::string report(const Statistics& stats) {
    const detail::stage_table table(stats);
    std::vector<std::size_t> widths;
    for (const auto& column : table.columns()) {
        std::size_t width = column.title.size();
        for (const std::string& cell : column.cells) width = std::max(width, detail::columns(cell));
        widths.push_back(width);
    }

    std::string text;
    const auto line = [&](auto cell_of) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string& cell = cell_of(table.columns()[i]);
            const std::string space(widths[i] - detail::columns(cell), ' ');
            text += i == 0 ? cell + space : "  " + space + cell;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
    };
    line([](const auto& column) -> const std::string& { return column.title; });
    for (std::size_t row = 0; row < table.rows(); ++row)
        line([row](const auto& column) -> const std::string& { return column.cells[row]; });
    return text + '\n' + detail::headline(stats) + '\n' + explain(stats).text + '\n';
}

/// Writes the same to `out`.
template <class...>
void report(std::ostream& out, const Statistics& stats) {
    out << report(stats);
}

}  // namespace parallelpipe

#endif
