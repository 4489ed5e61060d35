#ifndef PARALLELPIPE_HPP
#define PARALLELPIPE_HPP

// Everything but the optional components.

#include <parallelpipe/adapters/batch.hpp>      // IWYU pragma: export
#include <parallelpipe/adapters/drop.hpp>       // IWYU pragma: export
#include <parallelpipe/adapters/enumerate.hpp>  // IWYU pragma: export
#include <parallelpipe/adapters/filter.hpp>     // IWYU pragma: export
#include <parallelpipe/adapters/flat_map.hpp>   // IWYU pragma: export
#include <parallelpipe/adapters/for_each.hpp>   // IWYU pragma: export
#include <parallelpipe/adapters/map_stage.hpp>  // IWYU pragma: export
#include <parallelpipe/adapters/reduce.hpp>     // IWYU pragma: export
#include <parallelpipe/adapters/take.hpp>       // IWYU pragma: export
#include <parallelpipe/adapters/tap.hpp>        // IWYU pragma: export
#include <parallelpipe/adapters/throttle.hpp>   // IWYU pragma: export
#include <parallelpipe/concepts.hpp>            // IWYU pragma: export
#include <parallelpipe/error.hpp>               // IWYU pragma: export
#include <parallelpipe/explain.hpp>             // IWYU pragma: export
#include <parallelpipe/fuse.hpp>                // IWYU pragma: export
#include <parallelpipe/generator.hpp>           // IWYU pragma: export
#include <parallelpipe/html.hpp>                // IWYU pragma: export
#include <parallelpipe/inline_run.hpp>          // IWYU pragma: export
#include <parallelpipe/input.hpp>               // IWYU pragma: export
#include <parallelpipe/item_stage.hpp>          // IWYU pragma: export
#include <parallelpipe/json.hpp>                // IWYU pragma: export
#include <parallelpipe/lasting.hpp>             // IWYU pragma: export
#include <parallelpipe/monitor.hpp>             // IWYU pragma: export
#include <parallelpipe/picture.hpp>             // IWYU pragma: export
#include <parallelpipe/pipeline.hpp>            // IWYU pragma: export
#include <parallelpipe/progress.hpp>            // IWYU pragma: export
#include <parallelpipe/report.hpp>              // IWYU pragma: export
#include <parallelpipe/results.hpp>             // IWYU pragma: export
#include <parallelpipe/setup.hpp>               // IWYU pragma: export
#include <parallelpipe/stage.hpp>               // IWYU pragma: export
#include <parallelpipe/stall.hpp>               // IWYU pragma: export
#include <parallelpipe/statistics.hpp>          // IWYU pragma: export
#include <parallelpipe/this_worker.hpp>         // IWYU pragma: export
#include <parallelpipe/trace.hpp>               // IWYU pragma: export
#include <parallelpipe/verdict.hpp>             // IWYU pragma: export
#include <parallelpipe/version.hpp>             // IWYU pragma: export

#endif
