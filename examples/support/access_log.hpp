#ifndef PARALLELPIPE_EXAMPLES_ACCESS_LOG_HPP
#define PARALLELPIPE_EXAMPLES_ACCESS_LOG_HPP

// Parses and generates access logs of web servers, one line for each request, in the common or the
// combined log format:
//
//     192.0.2.7 - ann [01/Mar/2026:13:55:36 +0100] "GET /a HTTP/1.1" 200 2326 "referrer" "agent"

#include <parallelpipe.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

struct Entry {
    std::string client;
    std::chrono::sys_seconds time;
    unsigned status;
    std::uint64_t bytes;
};

/// Removes the front of `text` up to and including `mark`. Returns: the front, without the mark.
/// Errors: `std::invalid_argument` if `text` does not contain `mark`.
inline std::string_view cut(std::string_view& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    if (at == text.npos) throw std::invalid_argument("lacks " + std::string(mark));
    const std::string_view front = text.substr(0, at);
    text.remove_prefix(at + mark.size());
    return front;
}

/// Errors: `std::invalid_argument` if `text` contains anything but digits or does not fit `Number`.
template <class Number = unsigned>
Number to_number(std::string_view text) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || last != end || text.empty())
        throw std::invalid_argument(std::string(text) + " is no number");
    return number;
}

/// Parses a time such as `01/Mar/2026:13:55:36 +0100`.
/// Errors: `std::invalid_argument`.
inline std::chrono::sys_seconds to_time(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const unsigned d = to_number(cut(text, "/"));
    const std::size_t m = months.find(cut(text, "/")) / 3 + 1;
    const unsigned y = to_number(cut(text, ":"));
    const year_month_day date(year(static_cast<int>(y)), month(static_cast<unsigned>(m)), day(d));
    const hours h(to_number(cut(text, ":")));
    const minutes min(to_number(cut(text, ":")));
    const seconds s(to_number(cut(text, " ")));
    if (!date.ok() || text.size() != 5 || (text[0] != '+' && text[0] != '-'))
        throw std::invalid_argument("has no time");
    const minutes zone = hours(to_number(text.substr(1, 2))) + minutes(to_number(text.substr(3)));
    return sys_days(date) + h + min + s + (text[0] == '-' ? zone : -zone);
}

/// Errors: `std::invalid_argument` for a malformed line.
inline Entry parse_entry(std::string_view line) {
    Entry entry{};
    entry.client = cut(line, " ");
    cut(line, " [");
    entry.time = to_time(cut(line, "] \""));
    // A quote within the request follows a backslash.
    for (std::string_view part = cut(line, "\""); part.ends_with('\\');) part = cut(line, "\"");
    cut(line, " ");
    entry.status = to_number(cut(line, " "));
    const std::string_view bytes = line.substr(0, line.find_first_of(" \r"));
    if (bytes != "-") entry.bytes = to_number<std::uint64_t>(bytes);
    return entry;
}

/// Generates the log of a few days in blocks of lines, some of them malformed. The same in every run.
inline parallelpipe::generator<std::string> sample_log(std::size_t lines) {
    constexpr std::size_t block_size = 64 * 1024;
    constexpr unsigned clients = 5000;
    std::minstd_rand random;
    std::string block;
    const auto put = [&](unsigned number, std::string_view end) {
        if (number < 10) block += '0';
        block += std::to_string(number);
        block += end;
    };
    unsigned second = 0;
    for (std::size_t line = 0; line < lines; ++line) {
        const auto number = static_cast<unsigned>(random());
        second += number % 4 == 0;
        // Some clients send many more requests than others; these clients change four times a day.
        const double part = static_cast<double>(random()) / random.max();
        const auto rank = static_cast<unsigned>(part * part * part * clients);
        const unsigned client = (rank + second / 21600 * 617) % clients;
        block += "10.0.";
        block += std::to_string(client / 256) + '.';
        block += std::to_string(client % 256);
        block += " - - [";
        put(1 + second / 86400, "/Mar/2026:");
        put(second / 3600 % 24, ":");
        put(second / 60 % 60, ":");
        put(second % 60, " +0000] ");
        if (number % 5003 != 0) {
            block += "\"GET /page/" + std::to_string(number % 977) + " HTTP/1.1\" ";
            if (number % 61 == 0)
                block += "404 153";
            else if (number % 997 == 0)
                block += "500 -";
            else
                block += "200 " + std::to_string(number % 9973);
            block += " \"-\" \"sample/1.0\"";
        }
        block += '\n';
        if (block.size() < block_size) continue;
        co_yield std::exchange(block, {});
    }
    if (!block.empty()) co_yield std::move(block);
}

#endif
