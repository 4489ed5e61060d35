#ifndef PARALLELPIPE_EXAMPLES_TITLE_HPP
#define PARALLELPIPE_EXAMPLES_TITLE_HPP

// Finds the title of a web page and its words.

#include <parallelpipe.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

inline char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Returns: the text between `<title ...>` and `</title>`; nullopt without them.
inline std::optional<std::string> title_of(std::string_view html) {
    const auto find = [&](std::string_view what, std::size_t from) {
        const auto rest = html.substr(from);
        const auto found = std::ranges::search(rest, what, {}, lower);
        return found.empty() ? html.npos
                             : from + static_cast<std::size_t>(found.begin() - rest.begin());
    };
    const std::size_t tag = find("<title", 0);
    if (tag == html.npos) return std::nullopt;
    const std::size_t begin = html.find('>', tag);
    if (begin == html.npos) return std::nullopt;
    const std::size_t end = find("</title", begin);
    if (end == html.npos) return std::nullopt;
    return std::string(html.substr(begin + 1, end - begin - 1));
}

/// Yields the words of four letters and more, in lower case.
inline parallelpipe::generator<std::string> words_of(std::string_view title) {
    std::string word;
    for (std::size_t i = 0; i <= title.size(); ++i) {
        const char c = i < title.size() ? title[i] : ' ';
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || byte >= 0x80) {
            word += lower(c);
            continue;
        }
        if (word.size() >= 4) co_yield word;
        word.clear();
        const std::size_t entity_end = c == '&' ? title.find(';', i) : title.npos;
        if (entity_end != title.npos) i = entity_end;  // &nbsp; is no word
    }
}

#endif
