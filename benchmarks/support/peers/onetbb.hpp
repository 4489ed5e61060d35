#ifndef PARALLELPIPE_BENCHMARKS_PEERS_ONETBB_HPP
#define PARALLELPIPE_BENCHMARKS_PEERS_ONETBB_HPP

#include "../job.hpp"

#include <oneapi/tbb/parallel_pipeline.h>

#include <cstddef>
#include <optional>

namespace bench {

/// Runs the job with `tbb::parallel_pipeline` and its default of one thread per core. A stage with
/// several workers is a parallel filter.
template <Job J>
unsigned long long by_onetbb(J job, const Shape& shape, std::size_t tokens) {
    using Item = typename J::Item;
    namespace tbb = oneapi::tbb;
    const auto stage_mode =
        shape.workers > 1 ? tbb::filter_mode::parallel : tbb::filter_mode::serial_in_order;
    const auto sink_mode = shape.workers > 1 && !shape.ordered
                               ? tbb::filter_mode::serial_out_of_order
                               : tbb::filter_mode::serial_in_order;
    tbb::filter<void, Item> chain = tbb::make_filter<void, Item>(
        tbb::filter_mode::serial_in_order, [&job](tbb::flow_control& control) -> Item {
            if (const std::optional<Item> item = job.next()) return *item;
            control.stop();
            return Item();
        });
    for (std::size_t i = 0; i < shape.stages; ++i)
        chain = chain & tbb::make_filter<Item, Item>(stage_mode, [&job](Item item) {
                    job.work(item);
                    return item;
                });
    tbb::parallel_pipeline(
        tokens, chain & tbb::make_filter<Item, void>(sink_mode, [&job](Item item) { job.sink(item); }));
    return job.checksum();
}

}  // namespace bench

#endif
