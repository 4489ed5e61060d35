// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_CORE_HPP
#define PARALLELPIPE_CORE_HPP

// All that makes and runs a pipeline.

#include <parallelpipe/error.hpp>  // IWYU pragma: export
#include <parallelpipe/fluent_settings.hpp>  // IWYU pragma: export
#include <parallelpipe/fuse.hpp>  // IWYU pragma: export
#include <parallelpipe/generator.hpp>  // IWYU pragma: export
#include <parallelpipe/input.hpp>  // IWYU pragma: export
#include <parallelpipe/item.hpp>  // IWYU pragma: export
#include <parallelpipe/item_stage.hpp>  // IWYU pragma: export
#include <parallelpipe/pipeline.hpp>  // IWYU pragma: export
#include <parallelpipe/rate_limit.hpp>  // IWYU pragma: export
#include <parallelpipe/results.hpp>  // IWYU pragma: export
#include <parallelpipe/runnable.hpp>  // IWYU pragma: export
#include <parallelpipe/setup.hpp>  // IWYU pragma: export
#include <parallelpipe/stage.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/batch.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/drop.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/enumerate.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/filter.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/flat_map.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/for_each.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/map_stage.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/reduce.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/source.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/take.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/tap.hpp>  // IWYU pragma: export
#include <parallelpipe/stages/throttle.hpp>  // IWYU pragma: export
#include <parallelpipe/statistics.hpp>  // IWYU pragma: export
#include <parallelpipe/this_worker.hpp>  // IWYU pragma: export
#include <parallelpipe/version.hpp>  // IWYU pragma: export
#include <parallelpipe/with_state.hpp>  // IWYU pragma: export

#endif
