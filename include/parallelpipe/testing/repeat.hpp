// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_REPEAT_HPP
#define PARALLELPIPE_TESTING_REPEAT_HPP

#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/describe.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace parallelpipe::inline v0::testing {

/// Thrown by repeat(): a test failed with this seed.
class PARALLELPIPE_VISIBLE SeedFailure : public std::runtime_error {
public:
    SeedFailure(std::uint64_t seed, const std::string& how)
        : std::runtime_error("parallelpipe: with seed " + std::to_string(seed) + " the test " +
                             how + " (PARALLELPIPE_SEED=" + std::to_string(seed) +
                             " in the environment runs that seed alone)"),
          seed_(seed) {}

    std::uint64_t seed() const noexcept { return seed_; }

private:
    std::uint64_t seed_;
};

/// Calls `test(seed)` with `times` seeds from `first` on. If the environment variable PARALLELPIPE_SEED is set, with
/// that seed alone.
/// Shape: the test fails when it returns false or throws. The macros of GoogleTest do neither:
///   return a bool there.
/// Errors: `SeedFailure`, which names the seed, at the first failure; the exception of the test is nested in it.
template <class Test>
void repeat(std::size_t times, Test test, std::uint64_t first = 1) {
    if (const char* const alone = std::getenv("PARALLELPIPE_SEED")) {
        first = std::strtoull(alone, nullptr, 10);
        times = 1;
    }
    for (std::uint64_t seed = first; seed != first + times; ++seed) {
        bool good = true;
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Test&, std::uint64_t>>)
                test(seed);
            else
                good = static_cast<bool>(test(seed));
        } catch (...) {
            std::throw_with_nested(
                SeedFailure(seed, "threw " + detail::describe(std::current_exception())));
        }
        if (!good) throw SeedFailure(seed, "failed");
    }
}

}  // namespace parallelpipe::testing

#endif
