#ifndef PARALLELPIPE_TESTS_TWO_UNITS_HPP
#define PARALLELPIPE_TESTS_TWO_UNITS_HPP

#include <parallelpipe.hpp>

/// Made in the other translation unit: twice each number.
parallelpipe::Pipeline<int, int> doubled();

/// Where the other translation unit finds the one object that all units share.
std::size_t index_seen_by_the_other_unit();

#endif
