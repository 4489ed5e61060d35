// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_HPP
#define PARALLELPIPE_OBSERVE_HPP

// All that watches a running pipeline and reports on it.

#include <parallelpipe/observe/explain.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/graph.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/html.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/json.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/monitor.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/progress.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/report.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/stall.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/trace.hpp>  // IWYU pragma: export
#include <parallelpipe/observe/verdict.hpp>  // IWYU pragma: export

#endif
