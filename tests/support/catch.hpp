#ifndef PARALLELPIPE_TESTS_CATCH_HPP
#define PARALLELPIPE_TESTS_CATCH_HPP

// Catch2 in the version that is there: Debian 12 has 2.13, upstream is at 3.
#if defined(PARALLELPIPE_TESTS_CATCH2_V3)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#endif
