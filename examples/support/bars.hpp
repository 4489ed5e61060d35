#ifndef PARALLELPIPE_EXAMPLES_BARS_HPP
#define PARALLELPIPE_EXAMPLES_BARS_HPP

// Prints numbers as bars of text.

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

/// Prints one line with a word, its count and a bar; the bar for `most` is the longest.
inline void print_bar(std::string_view word, std::size_t width, std::size_t count,
                      std::size_t most) {
    std::cout << std::setw(8) << count << "  " << std::left << std::setw(static_cast<int>(width))
              << word << std::right << "  "
              << std::string(std::max<std::size_t>(1, 40 * count / most), '#') << '\n';
}

#endif
