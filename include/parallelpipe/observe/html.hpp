// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_HTML_HPP
#define PARALLELPIPE_OBSERVE_HTML_HPP

#include <parallelpipe/detail/html/html_page.hpp>
#include <parallelpipe/observe/explain.hpp>
#include <parallelpipe/statistics.hpp>

#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>

namespace parallelpipe::inline v0 {

/// Writes a run as one self-contained HTML page, without network access or scripts: the verdict, the pipeline as a
/// picture, the table of report(), each worker and, if samples were recorded, the results per second and the fill
/// of each queue over time. The page follows the light or dark mode of the browser.
///
///     Monitor monitor;
///     pipe.execute(monitor.record());
///     write_html("run.html", monitor.stats());
///
/// Returns: UTF-8; names and title may hold any bytes.
/// Errors: what `std::string` throws.
template <class...>
std::string to_html(const Statistics& stats, const std::string& title = "Pipeline run") {
    return detail::html_page(stats, title).text();
}

/// Writes the same to `out`.
template <class...>
void write_html(std::ostream& out, const Statistics& stats,
                const std::string& title = "Pipeline run") {
    out << to_html(stats, title);
}

/// Writes the same to a file, which is replaced.
/// Errors: `std::runtime_error` if the file cannot be written.
template <class...>
void write_html(const std::string& file, const Statistics& stats,
                const std::string& title = "Pipeline run") {
    std::ofstream out(file, std::ios::binary);
    write_html(out, stats, title);
    out.close();
    if (!out) throw std::runtime_error("parallelpipe: cannot write " + file);
}

}  // namespace parallelpipe

#endif
