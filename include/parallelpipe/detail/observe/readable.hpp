// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_READABLE_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_READABLE_HPP

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>

// Numbers in the form that people read, independent of the locale.

namespace parallelpipe::inline v0::detail {

template <class...>
double in_seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

/// `12.34`; 0 for NaN, infinity and numbers too long to read.
template <class...>
std::string fixed(double number, int digits) {
    std::array<char, 64> text;
    if (!std::isfinite(number)) number = 0;
    auto end = std::to_chars(text.data(), text.data() + text.size(), number,
                             std::chars_format::fixed, digits);
    if (end.ec != std::errc()) return "0";
    return std::string(text.data(), end.ptr);
}

/// `1,234,567`.
template <class...>
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

/// `98 %`; a value close to a limit is `<1 %` or `>99 %`, never `0 %` or `100 %`.
template <class...>
std::string percent(double share) {
    if (share > 0 && share < 0.005) return "<1 %";
    if (share < 1 && share >= 0.995) return ">99 %";
    return fixed(share * 100, 0) + " %";
}

/// Three digits and a unit: `850 ns`, `12.3 ms`, `1.24 s`; from one minute on `2 min 05 s`.
template <class...>
std::string readable(std::chrono::nanoseconds time) {
    struct unit {
        double size;
        const char* name;
    };
    const double ns = static_cast<double>(time.count());
    if (time >= std::chrono::milliseconds(59'950)) {
        const std::uint64_t seconds = static_cast<std::uint64_t>(in_seconds(time) + 0.5);
        const auto two = [](std::uint64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
        if (seconds >= 3600)
            return grouped(seconds / 3600) + " h " + two(seconds / 60 % 60) + " min";
        return std::to_string(seconds / 60) + " min " + two(seconds % 60) + " s";
    }
    for (const unit& in : {unit{1e9, " s"}, unit{1e6, " ms"}, unit{1e3, " us"}}) {
        const double value = ns / in.size;
        if (value >= 99.95) return fixed(value, 0) + in.name;
        if (value >= 9.995) return fixed(value, 1) + in.name;
        if (value >= 0.9995) return fixed(value, 2) + in.name;
    }
    return fixed(ns, 0) + " ns";
}

/// `1,234` and `64`; small numbers keep digits after the point: `12.3`, `0.45`.
template <class...>
std::string readable(double number) {
    if (!(number > 0)) return "0";
    if (number >= 99.95)
        return number < 1e18 ? grouped(static_cast<std::uint64_t>(number + 0.5)) : "many";
    return fixed(number, number == std::floor(number) ? 0 : number >= 9.995 ? 1 : 2);
}

/// `850 B`, `12.3 kB`, `1.24 GB`; 1 kB is 1,000 bytes.
template <class...>
std::string readable_bytes(double bytes) {
    if (!(bytes > 0)) return "0 B";
    if (bytes < 999.5) return fixed(bytes, 0) + " B";
    double value = bytes;
    std::string unit;
    for (const char* const larger : {" kB", " MB", " GB", " TB", " PB", " EB"}) {
        if (value < 999.5) break;
        value /= 1000;
        unit = larger;
    }
    return fixed(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + unit;
}

/// The text with a capital letter, as the start of a sentence, unless it starts with a name: `Stage parse`.
template <class...>
std::string capitalized(std::string text) {
    for (const char* const word : {"stage ", "the "})
        if (text.starts_with(word)) text.front() = static_cast<char>(word[0] - 'a' + 'A');
    return text;
}

/// `2 workers`, `1 worker`.
template <class...>
std::string counted(std::uint64_t number, const std::string& noun) {
    return grouped(number) + ' ' + noun + (number == 1 ? "" : "s");
}

}  // namespace parallelpipe::detail

#endif
