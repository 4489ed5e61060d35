// What ends the program of the tests. Hidden: CMakeLists.txt starts a program for each of them and looks at what it
// says.

#include "catch.hpp"

#include "waiting.hpp"

#include <thread>

namespace support_catch_tests {

TEST_CASE("a thread asserts what is true", "[.][ends]") {
    std::thread([] { CHECK(true); }).join();
}

TEST_CASE("a thread says what it does", "[.][ends]") {
    std::thread([] { INFO("nothing"); }).join();
}

TEST_CASE("nothing ever happens", "[.][ends]") {
    for (;;) support::give_it_a_chance();
}

}  // namespace support_catch_tests
