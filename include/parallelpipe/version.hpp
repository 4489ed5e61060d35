// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_VERSION_HPP
#define PARALLELPIPE_VERSION_HPP

// The one source of the version: CMakeLists.txt reads these three lines.
#define PARALLELPIPE_VERSION_MAJOR 0
#define PARALLELPIPE_VERSION_MINOR 1
#define PARALLELPIPE_VERSION_PATCH 0

/// The version as one number, for the preprocessor to compare: 10203 is 1.2.3.
///
///     #if PARALLELPIPE_VERSION >= 10203
#define PARALLELPIPE_VERSION                                                                       \
    (PARALLELPIPE_VERSION_MAJOR * 10000 + PARALLELPIPE_VERSION_MINOR * 100 + PARALLELPIPE_VERSION_PATCH)

#endif
