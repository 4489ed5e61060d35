// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_VERSION_HPP
#define PARALLELPIPE_VERSION_HPP

// The one source of the version: CMakeLists.txt reads these three lines.
#define PARALLELPIPE_VERSION_MAJOR 0
#define PARALLELPIPE_VERSION_MINOR 1
#define PARALLELPIPE_VERSION_PATCH 0

#endif
