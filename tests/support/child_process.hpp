#ifndef PARALLELPIPE_TESTS_CHILD_PROCESS_HPP
#define PARALLELPIPE_TESTS_CHILD_PROCESS_HPP

#if defined(__linux__)

#include "waiting.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <exception>

namespace support {

/// Runs `f`, which returns bool, in a child process: `f` cannot affect this process.
/// Returns: the result of `f`; false if it throws, crashes or does not end within a minute (ten with sanitizers).
template <class F>
bool holds_in_child(F f) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60 * slowness);  // the signal ends the process
        bool holds = false;
        try {
            holds = f();
        } catch (const std::exception&) {
        }
        ::_exit(holds ? 0 : 1);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

}  // namespace support

#endif

#endif
