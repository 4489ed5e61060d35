// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_HPP
#define PARALLELPIPE_TESTING_HPP

// For tests of your own stage functions, with any test framework or none. Include this header by itself: it is not
// in <parallelpipe.hpp>, as no program needs it.
//
//     results_of(f, input, arguments...)                runs f in the calling thread
//     run_with_delays({.seed = 7}, f, input, ...)       runs f in several workers, with random delays
//     lines | with_delays({}, parse) | sum              delays one stage of a pipeline
//     sorted(results)                                   makes results comparable
//     repeat(100, test)                                 calls test(seed) with 100 seeds
//
// GoogleTest has a namespace of the same name: beside `using namespace parallelpipe` write
// `::testing` for it, as its macros do.

#include <parallelpipe/testing/delays.hpp>           // IWYU pragma: export
#include <parallelpipe/testing/repeat.hpp>           // IWYU pragma: export
#include <parallelpipe/testing/results_of.hpp>       // IWYU pragma: export
#include <parallelpipe/testing/run_with_delays.hpp>  // IWYU pragma: export

#endif
