#ifndef PARALLELPIPE_BENCHMARKS_MACHINE_HPP
#define PARALLELPIPE_BENCHMARKS_MACHINE_HPP

// The state of the machine during a measurement: CPU time used by this process and by other programs,
// latency of a cache line. Linux only; the figures are 0 on other systems.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#endif

namespace bench {

/// Seconds of CPU that this process has used, in all of its threads.
inline double cpu_seconds() {
#if defined(__linux__)
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
#else
    return 0;
#endif
}

/// Seconds of CPU that all programs have used since the machine started.
inline double machine_cpu_seconds() {
#if defined(__linux__)
    std::ifstream stat("/proc/stat");
    std::string cpu;
    double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    stat >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
    return (user + nice + system + irq + softirq + steal) /
           static_cast<double>(sysconf(_SC_CLK_TCK));
#else
    return 0;
#endif
}

/// Measures how many processors other programs have used since its construction. The system counts in
/// hundredths of a second, so the figure is inexact for short times.
class Others {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }
    double processors() const {
        const double used = machine_cpu_seconds() - machine_ - (cpu_seconds() - own_);
        return used > 0 ? used / seconds() : 0;
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    double machine_ = machine_cpu_seconds();
    double own_ = cpu_seconds();
};

/// The first two processors that this process may use.
inline std::vector<std::size_t> two_processors() {
    std::vector<std::size_t> processors;
#if defined(__linux__)
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && processors.size() < 2; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) processors.push_back(cpu);
#endif
    return processors;
}

/// Nanoseconds that a cache line takes from one of two cores to the other: the least of several tries,
/// each shorter than a time slice. A host moves the cores of a virtual machine between physical cores
/// within minutes; this latency changes then, and the cost of all shared data with it.
inline double line_latency() {
    const std::vector<std::size_t> processors = two_processors();
    if (processors.size() < 2) return 0;
#if defined(__linux__)
    const auto pin = [&](std::size_t which) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(processors[which], &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    };
    constexpr std::uint32_t laps = 500;
    constexpr int tries = 30;
    struct alignas(128) Line {
        std::atomic<std::uint32_t> turn = 0;
    } line;
    double best = 1e9;
    std::jthread other([&] {
        pin(1);
        for (std::uint32_t turn = 1; turn < 2 * laps * tries; turn += 2) {
            while (line.turn.load(std::memory_order_acquire) != turn) {}
            line.turn.store(turn + 1, std::memory_order_release);
        }
    });
    std::jthread one([&] {
        pin(0);
        std::uint32_t turn = 0;
        for (int i = 0; i < tries; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            for (std::uint32_t lap = 0; lap < laps; ++lap, turn += 2) {
                while (line.turn.load(std::memory_order_acquire) != turn) {}
                line.turn.store(turn + 1, std::memory_order_release);
            }
            const std::chrono::duration<double, std::nano> spent =
                std::chrono::steady_clock::now() - begin;
            if (const double way = spent.count() / (2 * laps); way < best) best = way;
        }
    });
    one.join();
    return best;
#else
    return 0;
#endif
}

}  // namespace bench

#endif
