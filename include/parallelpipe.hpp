// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_HPP
#define PARALLELPIPE_HPP

// All but the optional components.

#include <parallelpipe/core.hpp>     // IWYU pragma: export
#include <parallelpipe/observe.hpp>  // IWYU pragma: export

#endif
