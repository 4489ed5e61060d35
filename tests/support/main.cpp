// Runs the tests. If a test hangs, or asserts in a thread that must not, the program ends with a message that names
// the test.

#if !defined(PARALLELPIPE_TESTS_CATCH2_V3)
#define CATCH_CONFIG_RUNNER
#endif
#include "catch.hpp"

#include "waiting.hpp"

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <thread>

#include <unistd.h>

namespace {

const std::thread::id tests_thread = std::this_thread::get_id();

/// The name of the current test, for the signal handler. The thread of the tests writes it while no alarm is set.
char test_name[400] = "none";

/// Prints the message and the name of the test, and ends the program. Any thread and a signal handler may call it:
/// it allocates nothing, locks nothing and does not use Catch2.
[[noreturn]] void end_the_program(std::initializer_list<const char*> message) {
    const auto write_all = [](const char* text) {
        std::size_t left = std::strlen(text);
        while (left != 0) {
            const ssize_t written = ::write(STDERR_FILENO, text, left);
            if (written <= 0) break;
            text += written;
            left -= static_cast<std::size_t>(written);
        }
    };
    for (const char* const part : message) write_all(part);
    write_all("\n  in the test: ");
    write_all(test_name);
    write_all("\n");
    ::_exit(3);
}

void on_alarm(int) { end_the_program({"\nThe test has not ended in its time: it hangs."}); }

unsigned seconds_for_a_test() {
    const char* const given = std::getenv("PARALLELPIPE_TEST_SECONDS");
    return given ? static_cast<unsigned>(std::stoul(given))
                 : static_cast<unsigned>(support::longest_test.count());
}

#if defined(PARALLELPIPE_TESTS_CATCH2_V3)
using listener = Catch::EventListenerBase;
#else
using listener = Catch::TestEventListenerBase;
#endif

/// Sets an alarm for each test. Not a thread, because some tests count threads.
class TimeLimit : public listener {
public:
    using listener::listener;

    void testCaseStarting(const Catch::TestCaseInfo& test) override {
        std::strncpy(test_name, test.name.c_str(), sizeof(test_name) - 1);
        ::alarm(seconds_for_a_test());
    }
    void testCaseEnded(const Catch::TestCaseStats&) override { ::alarm(0); }
};

CATCH_REGISTER_LISTENER(TimeLimit)

}  // namespace

void support::only_in_the_tests_thread(const char* what, const char* file, int line) {
    if (std::this_thread::get_id() == tests_thread) return;
    end_the_program({"\n", file, ":", std::to_string(line).c_str(), ": ", what,
                     " in a thread that is not the test's: Catch2 is for one thread alone."});
}

int main(int argc, char* argv[]) {
    std::signal(SIGALRM, on_alarm);
    return Catch::Session().run(argc, argv);
}
