// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_TTY_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_TTY_HPP

#include <cstddef>
#include <iostream>

#if __has_include(<unistd.h>) && __has_include(<sys/ioctl.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#define PARALLELPIPE_DETAIL_KNOWS_TERMINALS 1
#else
#define PARALLELPIPE_DETAIL_KNOWS_TERMINALS 0
#endif

namespace parallelpipe::inline v0::detail {

/// Whether `out` writes to a terminal. Only std::cerr and std::clog are recognised: standard output belongs to the
/// results of the program.
template <class...>
bool is_tty(const std::ostream& out) {
#if PARALLELPIPE_DETAIL_KNOWS_TERMINALS
    return (&out == &std::cerr || &out == &std::clog) && isatty(STDERR_FILENO) == 1;
#else
    static_cast<void>(out);
    return false;
#endif
}

/// The columns of the terminal of standard error; 80 if unknown.
template <class...>
std::size_t tty_width() {
#if PARALLELPIPE_DETAIL_KNOWS_TERMINALS
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
    return 80;
}

}  // namespace parallelpipe::detail

#undef PARALLELPIPE_DETAIL_KNOWS_TERMINALS

#endif
