#ifndef PARALLELPIPE_BENCHMARKS_PEERS_FASTFLOW_HPP
#define PARALLELPIPE_BENCHMARKS_PEERS_FASTFLOW_HPP

#include "../job.hpp"

#include <ff/ff.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace bench {

/// FastFlow passes pointers and reserves null and the largest values; items below 2^62 avoid both.
template <class Item>
void* to_pointer(Item item) {
    static_assert(sizeof(Item) == sizeof(std::uint64_t));
    return reinterpret_cast<void*>(std::bit_cast<std::uint64_t>(item) * 2 + 1);
}
/// The argument of `to_pointer` without its highest bit; jobs for FastFlow must not use that bit.
template <class Item>
Item from_pointer(void* pointer) {
    return std::bit_cast<Item>(reinterpret_cast<std::uint64_t>(pointer) / 2);
}

/// Runs the job with FastFlow: a thread per stage and worker, blocking mode, threads not pinned. Queues
/// have a fixed size; `depth` 0 makes them unlimited, which is FastFlow's default. A single stage with
/// several workers is a farm: the source is its emitter, the sink its collector.
template <Job J>
unsigned long long by_fastflow(J job, const Shape& shape, std::size_t depth) {
    using Item = typename J::Item;
    struct Source : ff::ff_node {
        explicit Source(J& j) : job(j) {}
        void* svc(void*) override {
            while (const std::optional<Item> item = job.next()) ff_send_out(to_pointer(*item));
            return EOS;
        }
        J& job;
    } source(job);
    struct Stage : ff::ff_node {
        explicit Stage(J& j) : job(j) {}
        void* svc(void* pointer) override {
            Item item = from_pointer<Item>(pointer);
            job.work(item);
            return to_pointer(item);
        }
        J& job;
    };
    struct Sink : ff::ff_minode {
        explicit Sink(J& j) : job(j) {}
        void* svc(void* pointer) override {
            Item item = from_pointer<Item>(pointer);
            job.sink(item);
            return GO_ON;
        }
        J& job;
    } sink(job);

    const bool is_fixed = depth != 0;
    const int size = is_fixed ? static_cast<int>(depth) : DEFAULT_BUFFER_CAPACITY;
    std::vector<std::unique_ptr<Stage>> stages;
    for (std::size_t i = 0; i < shape.stages * shape.workers; ++i)
        stages.push_back(std::make_unique<Stage>(job));
    const auto workers = [&](std::size_t stage) {
        std::vector<ff::ff_node*> all;
        for (std::size_t k = 0; k < shape.workers; ++k)
            all.push_back(stages[stage * shape.workers + k].get());
        return all;
    };
    const auto set_up = [&](ff::ff_farm& farm) {
        farm.setInputQueueLength(size, is_fixed);
        farm.setOutputQueueLength(size, is_fixed);
        if (is_fixed) farm.set_scheduling_ondemand(size);
        if (shape.ordered) farm.set_ordered();
    };
    if (shape.workers > 1 && shape.stages == 1) {
        ff::ff_farm farm(workers(0), &source, &sink);
        set_up(farm);
        farm.blocking_mode(true);
        farm.no_mapping();
        farm.run_and_wait_end();
        return job.checksum();
    }
    std::vector<std::unique_ptr<ff::ff_farm>> farms;
    ff::ff_pipeline pipeline;
    pipeline.setXNodeInputQueueLength(size, is_fixed);
    pipeline.setXNodeOutputQueueLength(size, is_fixed);
    pipeline.add_stage(&source);
    for (std::size_t i = 0; i < shape.stages; ++i) {
        if (shape.workers == 1) {
            pipeline.add_stage(stages[i].get());
            continue;
        }
        farms.push_back(std::make_unique<ff::ff_farm>(workers(i)));
        set_up(*farms.back());
        pipeline.add_stage(farms.back().get());
    }
    pipeline.add_stage(&sink);
    pipeline.blocking_mode(true);
    pipeline.no_mapping();
    pipeline.run_and_wait_end();
    return job.checksum();
}

}  // namespace bench

#endif
