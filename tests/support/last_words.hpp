#ifndef PARALLELPIPE_TESTS_LAST_WORDS_HPP
#define PARALLELPIPE_TESTS_LAST_WORDS_HPP

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// Runs `f`, which should fail an assertion, in a child process. Returns: what the child wrote to stderr; empty if it
/// did not abort.
template <class F>
std::string last_words(F f) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return {};
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // the handler of Catch2 would report a failed test
        dup2(ends[1], STDERR_FILENO);
        f();
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    std::string words;
    std::array<char, 256> part{};
    for (ssize_t size = 0; (size = read(ends[0], part.data(), part.size())) > 0;)
        words.append(part.data(), static_cast<std::size_t>(size));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    const bool was_aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return was_aborted ? words : std::string();
}

}  // namespace support

#endif
