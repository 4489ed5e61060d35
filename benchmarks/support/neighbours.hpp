#ifndef PARALLELPIPE_BENCHMARKS_NEIGHBOURS_HPP
#define PARALLELPIPE_BENCHMARKS_NEIGHBOURS_HPP

// Other programs that need the processors at the same time. Linux only.

#include <cstddef>
#include <stdexcept>
#include <vector>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#endif

namespace bench {

/// Starts `how_many` processes that compute until this object is destroyed or the program ends.
class Neighbours {
public:
    explicit Neighbours(std::size_t how_many) {
#if defined(__linux__)
        const pid_t parent = getpid();
        while (processes_.size() < how_many) {
            processes_.reserve(how_many);
            const pid_t process = fork();
            if (process == 0) compute_while_alive(parent);
            if (process < 0) throw std::runtime_error("cannot start another process");
            processes_.push_back(process);
        }
#else
        if (how_many > 0) throw std::runtime_error("--others needs Linux");
#endif
    }
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;

#if defined(__linux__)
    ~Neighbours() {
        for (const pid_t process : processes_) kill(process, SIGKILL);
        for (const pid_t process : processes_) waitpid(process, nullptr, 0);
    }

private:
    [[noreturn]] static void compute_while_alive(pid_t parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(0);  // the parent ended before the prctl call
        for (volatile unsigned long count = 0;;) count = count + 1;
    }

    std::vector<pid_t> processes_;
#endif
};

}  // namespace bench

#endif
