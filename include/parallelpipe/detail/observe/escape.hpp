// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_ESCAPE_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_ESCAPE_HPP

#include <cstddef>
#include <string>
#include <string_view>

// The name of a stage can hold any bytes. These functions make it safe for each kind of output.

namespace parallelpipe::inline v0::detail {

inline constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// The length in bytes of the UTF-8 character at the start of `text`; 0 if there is none.
template <class...>
std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // An overlong form, half of a UTF-16 pair, or a number above the last character.
    const unsigned second = byte(1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

/// Calls `f(character)` for each character; a byte that belongs to none becomes U+FFFD.
template <class F>
void for_each_character(std::string_view text, F f) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        f(length == 0 ? replacement : text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

template <class...>
bool is_control(std::string_view character) {
    const unsigned char first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first < 0x20 || first == 0x7F;
    return character.size() == 2 && first == 0xC2 &&
           static_cast<unsigned char>(character[1]) < 0xA0;
}

/// One line of valid UTF-8 without control characters, which become U+FFFD: safe for a terminal.
template <class...>
std::string printable(std::string_view text) {
    std::string safe;
    for_each_character(text, [&](std::string_view character) {
        safe += is_control(character) ? replacement : character;
    });
    return safe;
}

/// The columns that a `printable` text takes if every character is one column wide.
template <class...>
std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    for_each_character(text, [&](std::string_view) { ++count; });
    return count;
}

/// The text, or its start and an ellipsis, in at most `most` columns.
template <class...>
std::string shortened(std::string_view text, std::size_t most) {
    if (columns(text) <= most) return std::string(text);
    std::string kept;
    std::size_t count = 0;
    for_each_character(text, [&](std::string_view character) {
        if (++count < most) kept += character;
    });
    return kept + "\xE2\x80\xA6";  // an ellipsis
}

/// Escapes text for a JSON string.
template <class...>
std::string json_escaped(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string safe;
    for_each_character(text, [&](std::string_view character) {
        const auto byte = static_cast<unsigned char>(character[0]);
        if (byte == '"' || byte == '\\')
            safe.append(1, '\\').append(character);
        else if (byte < 0x20)
            safe.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
        else
            safe += character;
    });
    return safe;
}

/// Escapes text and attributes of HTML and SVG.
template <class...>
std::string html_escaped(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += c;
        }
    return safe;
}

/// Escapes text for a quoted DOT string.
template <class...>
std::string dot_escaped(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) {
        if (c == '"' || c == '\\') safe += '\\';
        safe += c;
        if (c == '&') safe += "amp;";  // DOT reads HTML entities
    }
    return safe;
}

/// Escapes text for a quoted Mermaid string: each character with a meaning there becomes its number.
template <class...>
std::string mermaid_escaped(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) {
        if (std::string_view("\"#&<>`*_~\\;|[](){}$").find(c) == std::string_view::npos)
            safe += c;
        else
            safe += '#' + std::to_string(static_cast<int>(c)) + ';';
    }
    return safe;
}

}  // namespace parallelpipe::detail

#endif
