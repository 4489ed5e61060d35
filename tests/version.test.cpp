#include <parallelpipe/version.hpp>

#include "support/catch.hpp"

namespace version_tests {

// A number that the preprocessor cannot compute would be an error here.
#if PARALLELPIPE_VERSION > 99 && PARALLELPIPE_VERSION >= PARALLELPIPE_VERSION_MAJOR * 10000
constexpr bool preprocessor_compares = true;
#else
constexpr bool preprocessor_compares = false;
#endif

TEST_CASE("the preprocessor can compare the version as one number", "[version]") {
    CHECK(preprocessor_compares);
}

TEST_CASE("the version as one number holds its three parts", "[version]") {
    CHECK(PARALLELPIPE_VERSION / 10000 == PARALLELPIPE_VERSION_MAJOR);
    CHECK(PARALLELPIPE_VERSION / 100 % 100 == PARALLELPIPE_VERSION_MINOR);
    CHECK(PARALLELPIPE_VERSION % 100 == PARALLELPIPE_VERSION_PATCH);
    // One operand of a larger expression, whatever stands beside it.
    CHECK(2 * PARALLELPIPE_VERSION == PARALLELPIPE_VERSION + PARALLELPIPE_VERSION);
}

}  // namespace version_tests
