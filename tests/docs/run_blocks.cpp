// run_blocks PAGE: runs the blocks of a page and compares the output of each with the page.
//
// Each block runs in a process of its own: a block that calls exit(), crashes or hangs does not affect the others.

#include "block.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

namespace {

/// Seconds for a block. A block takes milliseconds; a loaded machine or a sanitizer makes it up to 100 times slower.
unsigned time_limit() {
    const char* const seconds = std::getenv("PARALLELPIPE_TEST_SECONDS");
    return seconds ? static_cast<unsigned>(std::atoi(seconds)) : 60;
}

[[noreturn]] void run_here(const docs::Block& block, std::FILE* out) {
    std::freopen("/dev/null", "r", stdin);
    ::dup2(::fileno(out), STDOUT_FILENO);
    ::alarm(time_limit());  // its signal ends this process
    char name[] = "program";
    char* arguments[] = {name, nullptr};
    try {
        std::exit(block.run(1, arguments));
    } catch (const std::exception& error) {
        std::cerr << block.page << ':' << block.line << ": the block throws: " << error.what()
                  << '\n';
        std::exit(EXIT_FAILURE);
    }
}

std::string contents(std::FILE* file) {
    std::string text;
    std::rewind(file);
    for (int c; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
    return text;
}

/// Removes the namespace of the block from its output: types are printed with their namespace.
std::string without(std::string text, std::string_view space) {
    const std::string prefix = std::string(space) + "::";
    for (std::size_t at; (at = text.find(prefix)) != text.npos;) text.erase(at, prefix.size());
    return text;
}

bool succeeds(const docs::Block& block) {
    std::FILE* const out = std::tmpfile();
    if (!out) {
        std::perror("tmpfile");
        return false;
    }
    const pid_t child = ::fork();
    if (child == 0) run_here(block, out);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
        std::perror("fork");
        return false;
    }
    std::string printed = without(contents(out), block.space);
    std::fclose(out);
    if (!printed.empty() && printed.back() != '\n') printed += '\n';

    std::string failure;
    if (WIFSIGNALED(status))
        failure = WTERMSIG(status) == SIGALRM
                      ? "the block does not end"
                      : "the block ends by signal " + std::to_string(WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        failure = "the block exits with " + std::to_string(WEXITSTATUS(status));
    else if (block.printed && printed != block.printed)
        failure =
            "the page says that the block prints\n" + std::string(block.printed) + "but it prints";
    if (failure.empty()) return true;
    std::cerr << block.page << ':' << block.line << ": " << failure << '\n' << printed;
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view page = argc == 2 ? argv[1] : "";
    int runs = 0, failures = 0;
    for (const docs::Block& block : docs::blocks())
        if (block.page == page) {
            ++runs;
            failures += !succeeds(block);
        }
    std::cout << page << ": " << runs << " blocks, " << failures << " failed\n";
    return runs == 0 || failures != 0;
}
