#ifndef PARALLELPIPE_BENCHMARKS_PEERS_TASKFLOW_HPP
#define PARALLELPIPE_BENCHMARKS_PEERS_TASKFLOW_HPP

#include "../job.hpp"

#include <taskflow/taskflow.hpp>

#include <taskflow/algorithm/data_pipeline.hpp>

#include <cstddef>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

namespace bench {

/// Runs the job with `tf::DataPipeline` and one thread per core; the threads live from run to run. A
/// stage with several workers is a parallel pipe; results are always in order.
template <std::size_t Stages, Job J>
unsigned long long by_taskflow(J job, const Shape& shape, std::size_t lines) {
    using Item = typename J::Item;
    static tf::Executor executor(std::thread::hardware_concurrency());
    const auto stage_type = shape.workers > 1 ? tf::PipeType::PARALLEL : tf::PipeType::SERIAL;
    const auto stage = [&] {
        return tf::make_data_pipe<Item, Item>(stage_type, [&job](Item& item) {
            job.work(item);
            return item;
        });
    };
    auto source = tf::make_data_pipe<void, Item>(
        tf::PipeType::SERIAL, [&job](tf::Pipeflow& flow) -> Item {
            if (const std::optional<Item> item = job.next()) return *item;
            flow.stop();
            return Item();
        });
    auto sink = tf::make_data_pipe<Item, void>(tf::PipeType::SERIAL,
                                               [&job](Item& item) { job.sink(item); });
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        const auto stage_of = [&](std::size_t) { return stage(); };
        tf::DataPipeline pipeline(lines, std::move(source), stage_of(K)..., std::move(sink));
        tf::Taskflow taskflow;
        taskflow.composed_of(pipeline);
        executor.run(taskflow).wait();
    }(std::make_index_sequence<Stages>());
    return job.checksum();
}

}  // namespace bench

#endif
