// What does a hop cost when the queues are small, so that threads wait for each other all the time?
// The pipelines of hop.cpp with `qsize` 1, 8 and 64, compared with a locked queue of the same size.

#include <parallelpipe.hpp>

#include "support/numbers.hpp"
#include "support/peers/by_hand.hpp"
#include "support/session.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace parallelpipe;

void small_queues(bench::Session& session, std::size_t stages, std::size_t qsize, double full) {
    const std::size_t items = session.options().items(full);
    Pipeline<void, std::uint64_t> generators = bench::counting({.qsize = qsize}, items);
    Pipeline<void, std::uint64_t> maps = bench::counting({.qsize = qsize}, items);
    for (std::size_t k = 0; k < stages; ++k) {
        generators = generators | bench::adding_generator({.qsize = qsize});
        maps = maps | bench::adding_map({.qsize = qsize});
    }
    const double hops = static_cast<double>(items) * static_cast<double>(stages + 1);
    using enum bench::Role;
    session.measure({"qsize " + std::to_string(qsize) + ", K = " + std::to_string(stages),
                     {"ns a hop", "CPU ns"},
                     {{ours, "generator stages", bench::timed(hops, bench::sum_of(generators))},
                      {ours, "map_stage", bench::timed(hops, bench::sum_of(maps))},
                      {peer, "threads, deque + condvar", bench::timed(hops, [=] {
                           return bench::by_threads(bench::hop_job(items),
                                                    {.stages = stages, .workers = 1}, qsize);
                       })}}});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("small_queues", argc, argv);
    for (const std::size_t stages : {1u, 4u}) {
        small_queues(session, stages, 1, 50'000);
        small_queues(session, stages, 8, 200'000);
        small_queues(session, stages, 64, 1'000'000);
    }
    return session.finish();
}
