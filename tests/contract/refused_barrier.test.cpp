// A process may enter a sandbox that forbids membarrier(). The library must then work without it.

#include "support/child_process.hpp"

#if defined(__linux__) && __has_include(<linux/seccomp.h>)

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ranges>
#include <thread>
#include <vector>

namespace refused_barrier_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

/// Forbids membarrier() to this thread and to threads that it starts. Returns: whether that succeeded.
bool forbid_membarrier() {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{.len = 4, .filter = rules};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::vector<int> numbers(int end) {
    std::vector<int> all(static_cast<std::size_t>(end));
    for (int i = 0; i < end; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
}

}  // namespace

TEST_CASE("runs that start after membarrier was forbidden work without it", "[contract]") {
    CHECK(support::holds_in_child([] {
        const auto slow = map_stage({.workers = 3, .qsize = 1, .ordered = true}, [](int x) {
            std::this_thread::sleep_for(50us);
            return x;
        });
        const auto pipe = std::views::iota(0, 500) | slow;
        const bool before = pipe.collect() == numbers(500);
        if (!forbid_membarrier()) return true;  // this environment allows no seccomp filter
        return before && pipe.collect() == numbers(500) && pipe.collect() == numbers(500);
    }));
}

TEST_CASE("a run loses no wake-up if membarrier is forbidden in the middle of it", "[contract]") {
    CHECK(support::holds_in_child([] {
        // Each worker waits for every item: the queues are short and the stages run in turn.
        const auto step = stage({.qsize = 1}, [](Input<int> in) -> generator<int> {
            for (int x : in) {
                if (x == 100) forbid_membarrier();
                if (x % 7 == 0) std::this_thread::sleep_for(100us);
                co_yield x;
            }
        });
        return (std::views::iota(0, 1000) | step | step | step).collect() == numbers(1000);
    }));
}

}  // namespace refused_barrier_tests

#endif
