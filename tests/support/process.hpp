#ifndef PARALLELPIPE_TESTS_PROCESS_HPP
#define PARALLELPIPE_TESTS_PROCESS_HPP

// Threads and CPU time of the test program, as Linux reports them.

#include "waiting.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace support {

/// The names of all threads, without threads that end during the call.
inline std::vector<std::string> thread_names() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::ifstream comm(task.path() / "comm");
        if (std::string name; std::getline(comm, name)) names.push_back(name);
    }
    return names;
}

inline std::size_t thread_count() { return thread_names().size(); }

/// The number of threads before a test starts any. ThreadSanitizer starts a thread of its own with the
/// program's first thread; the number includes that thread.
inline std::size_t threads_at_rest() {
    std::thread([] {}).join();
    give_it_a_chance();  // /proc may list a joined thread for a moment
    return thread_count();
}

inline bool has_thread(const std::string& name) {
    const std::vector<std::string> names = thread_names();
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// CPU time of all threads of the process.
inline std::chrono::nanoseconds cpu_time() {
    std::timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace support

#endif
