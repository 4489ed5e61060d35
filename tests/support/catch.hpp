#ifndef PARALLELPIPE_TESTS_CATCH_HPP
#define PARALLELPIPE_TESTS_CATCH_HPP

// Includes Catch2, version 2 or 3, and restricts its assertions to the thread that runs the tests, because Catch2
// records them without a lock. An assertion or a message in any other thread (a worker, a handler that a worker calls,
// a thread of the test) ends the program, even if the assertion holds. Record values there, and assert them in the
// test itself.

// Suppresses warnings of shadowing for nested assertions, as in Catch2's own header.
#pragma GCC system_header

#define CATCH_CONFIG_PREFIX_ALL
#if defined(PARALLELPIPE_TESTS_CATCH2_V3)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace support {

/// Ends the program with a message, unless the calling thread is the one that runs the tests.
void only_in_the_tests_thread(const char* what, const char* file, int line);

}  // namespace support

#define TEST_CASE(...) CATCH_TEST_CASE(__VA_ARGS__)
#define STATIC_REQUIRE(...) CATCH_STATIC_REQUIRE(__VA_ARGS__)

// Catch2's own macros repeat the expression twice in unevaluated code. A lambda in the expression, and all templates
// that it instantiates, would be compiled three times.
#define PARALLELPIPE_TESTS_HOLDS(macro, text, disposition, ...)                                    \
    do {                                                                                           \
        support::only_in_the_tests_thread(#macro, __FILE__, __LINE__);                             \
        Catch::AssertionHandler catch_assertion(#macro, Catch::SourceLineInfo(__FILE__, __LINE__), \
                                                text, disposition);                                \
        try {                                                                                      \
            CATCH_INTERNAL_START_WARNINGS_SUPPRESSION CATCH_INTERNAL_SUPPRESS_PARENTHESES_WARNINGS \
                catch_assertion.handleExpr(Catch::Decomposer() <= __VA_ARGS__);                    \
            CATCH_INTERNAL_STOP_WARNINGS_SUPPRESSION                                               \
        } catch (...) {                                                                            \
            catch_assertion.handleUnexpectedInflightException();                                   \
        }                                                                                          \
        catch_assertion.complete();                                                                \
    } while (false)

#define PARALLELPIPE_TESTS_FALSE(disposition) \
    Catch::ResultDisposition::disposition | Catch::ResultDisposition::FalseTest
#define CHECK(...)                                                                             \
    PARALLELPIPE_TESTS_HOLDS(CHECK, #__VA_ARGS__, Catch::ResultDisposition::ContinueOnFailure, \
                             __VA_ARGS__)
#define CHECK_FALSE(...)                                \
    PARALLELPIPE_TESTS_HOLDS(CHECK_FALSE, #__VA_ARGS__, \
                             PARALLELPIPE_TESTS_FALSE(ContinueOnFailure), __VA_ARGS__)
#define REQUIRE(...) \
    PARALLELPIPE_TESTS_HOLDS(REQUIRE, #__VA_ARGS__, Catch::ResultDisposition::Normal, __VA_ARGS__)
#define REQUIRE_FALSE(...)                                                                  \
    PARALLELPIPE_TESTS_HOLDS(REQUIRE_FALSE, #__VA_ARGS__, PARALLELPIPE_TESTS_FALSE(Normal), \
                             __VA_ARGS__)

#define PARALLELPIPE_TESTS_ALONE(macro, ...)                           \
    do {                                                               \
        support::only_in_the_tests_thread(#macro, __FILE__, __LINE__); \
        CATCH_##macro(__VA_ARGS__);                                    \
    } while (false)

#define CHECK_NOTHROW(...) PARALLELPIPE_TESTS_ALONE(CHECK_NOTHROW, __VA_ARGS__)
#define CHECK_THROWS(...) PARALLELPIPE_TESTS_ALONE(CHECK_THROWS, __VA_ARGS__)
#define CHECK_THROWS_AS(...) PARALLELPIPE_TESTS_ALONE(CHECK_THROWS_AS, __VA_ARGS__)
#define CHECK_THROWS_WITH(...) PARALLELPIPE_TESTS_ALONE(CHECK_THROWS_WITH, __VA_ARGS__)
#define REQUIRE_NOTHROW(...) PARALLELPIPE_TESTS_ALONE(REQUIRE_NOTHROW, __VA_ARGS__)
#define REQUIRE_THROWS(...) PARALLELPIPE_TESTS_ALONE(REQUIRE_THROWS, __VA_ARGS__)
#define REQUIRE_THROWS_AS(...) PARALLELPIPE_TESTS_ALONE(REQUIRE_THROWS_AS, __VA_ARGS__)
#define REQUIRE_THROWS_WITH(...) PARALLELPIPE_TESTS_ALONE(REQUIRE_THROWS_WITH, __VA_ARGS__)
#define FAIL(...) PARALLELPIPE_TESTS_ALONE(FAIL, __VA_ARGS__)
#define SUCCEED(...) PARALLELPIPE_TESTS_ALONE(SUCCEED, __VA_ARGS__)
#define WARN(...) PARALLELPIPE_TESTS_ALONE(WARN, __VA_ARGS__)
#define UNSCOPED_INFO(...) PARALLELPIPE_TESTS_ALONE(UNSCOPED_INFO, __VA_ARGS__)

// These declare something, or open a block.
#define INFO(...)                                                  \
    support::only_in_the_tests_thread("INFO", __FILE__, __LINE__); \
    CATCH_INFO(__VA_ARGS__)
#define CAPTURE(...)                                                  \
    support::only_in_the_tests_thread("CAPTURE", __FILE__, __LINE__); \
    CATCH_CAPTURE(__VA_ARGS__)
#define SECTION(...)                                                  \
    support::only_in_the_tests_thread("SECTION", __FILE__, __LINE__); \
    CATCH_SECTION(__VA_ARGS__)

#endif
