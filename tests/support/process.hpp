#ifndef PARALLELPIPE_TESTS_PROCESS_HPP
#define PARALLELPIPE_TESTS_PROCESS_HPP

// What Linux says of the running test program.

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

/// The names of all threads; one that ends meanwhile is left out.
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

/// The number of threads before a test starts any. ThreadSanitizer adds one of its own when the
/// program starts its first: that one counts as having been there.
inline std::size_t threads_at_rest() {
    std::thread([] {}).join();
    give_it_a_chance();  // a thread that was joined may still be listed for a moment
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
