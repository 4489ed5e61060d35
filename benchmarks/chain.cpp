// How much of two cores does the work get when it is spread over stages? Four stages of 2.5
// microseconds each, serial and with 2 workers each. The ideal is half of the loop's time.

#include <parallelpipe.hpp>

#include "support/farm_job.hpp"
#include "support/numbers.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"
#include "support/work.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;
using ChainJob = bench::FarmJob<bench::Work>;

void chain(bench::Session& session, std::size_t workers) {
    const std::size_t items = session.options().items(20'000);
    const bench::Work work(2500);
    const ChainJob job{items, work};
    const double units = static_cast<double>(items) * 1000;
    const auto mapping = map_stage({.workers = workers}, [work](Number x) {
        work(x);
        return x;
    });
    const auto generating = stage({.workers = workers}, [work](Input<Number> in) -> generator<Number> {
        for (Number x : in) {
            work(x);
            co_yield x;
        }
    });
    bench::Table table{"chain of 4 x 2.5 us, " +
                           (workers > 1 ? std::to_string(workers) + " workers each" : "serial"),
                       {"us an item", "CPU us"}};
    const Pipeline<void, Number> source = bench::counting({}, items);
    const auto maps = mapping | mapping | mapping | mapping;
    using enum bench::Role;
    table.contenders = {
        {reference, "loop", bench::timed(units, [job] { return bench::by_loop(job, 4); })},
        {ours, "generator stages",
         bench::timed(units, bench::sum_of(source | generating | generating | generating | generating))},
        {ours, "map_stage", bench::timed(units, bench::sum_of(source | maps))}};
    if (workers > 1)
        table.contenders.push_back(
            {ours, "fuse(4 maps)",
             bench::timed(units, bench::sum_of(source | fuse({.workers = workers}, maps)))});
    bench::add_peers<4>(session, table, workers, false, units,
                        [job](double part) { return job.part(part); });
    session.measure(table);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("chain", argc, argv);
    for (const std::size_t workers : {1u, 2u}) chain(session, workers);
    return session.finish();
}
