// Tests of the test program itself. Each of these hidden test cases ends the program; CMakeLists.txt runs each in a
// program of its own and checks the message.

#include "catch.hpp"

#include "waiting.hpp"

#include <thread>

namespace support_catch_tests {

TEST_CASE("a thread asserts something true", "[.][ends]") {
    std::thread([] { CHECK(true); }).join();
}

TEST_CASE("a thread uses INFO", "[.][ends]") {
    std::thread([] { INFO("nothing"); }).join();
}

TEST_CASE("a test never ends", "[.][ends]") {
    for (;;) support::give_it_a_chance();
}

}  // namespace support_catch_tests
