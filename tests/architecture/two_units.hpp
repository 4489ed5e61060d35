#ifndef PARALLELPIPE_TESTS_TWO_UNITS_HPP
#define PARALLELPIPE_TESTS_TWO_UNITS_HPP

#include <parallelpipe.hpp>

/// Defined in two_units_other.cpp: doubles each number.
parallelpipe::Pipeline<int, int> doubled();

/// Defined in two_units_other.cpp: this_worker::index() as that translation unit sees it.
std::size_t index_seen_by_the_other_unit();

#endif
