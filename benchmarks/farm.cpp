// How much of two cores does the work get? One stage of 1 or 10 microseconds an item, with 2 and with
// 4 workers, with and without `ordered`. The ideal is the loop's time divided by the number of cores.

#include <parallelpipe.hpp>

#include "support/farm_job.hpp"
#include "support/numbers.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"
#include "support/work.hpp"

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;

void farm(bench::Session& session, double microseconds, std::size_t workers, bool ordered) {
    const std::size_t items = session.options().items(200'000 / microseconds);
    const bench::Work work(microseconds * 1000);
    std::ostringstream title;
    title << "farm, " << microseconds << " us, " << workers << " workers"
          << (ordered ? ", ordered" : "");
    const double units = static_cast<double>(items) * 1000;
    bench::Table table{title.str(), {"us an item", "CPU us"}};
    const bench::FarmJob<bench::Work> job{items, work, ordered};

    const auto counting = bench::counting({}, items);
    const auto mapping = map_stage({.workers = workers, .ordered = ordered}, [work](Number x) {
        work(x);
        return x;
    });
    const auto generating =
        stage({.workers = workers, .ordered = ordered}, [work](Input<Number> in) -> generator<Number> {
            for (Number x : in) {
                work(x);
                co_yield x;
            }
        });
    const auto summed = [job](const Pipeline<void, Number>& pipeline) {
        return [job, pipeline] {
            bench::FarmJob<bench::Work> sum = job;
            for (const Number& x : pipeline.results()) sum.sink(x);
            return sum.checksum();
        };
    };
    using enum bench::Role;
    table.contenders = {
        {reference, "loop", bench::timed(units, [job] { return bench::by_loop(job, 1); })},
        {ours, "generator stage", bench::timed(units, summed(counting | generating))},
        {ours, "map_stage", bench::timed(units, summed(counting | mapping))}};
    bench::add_peers<1>(session, table, workers, ordered, units,
                        [job](double part) { return job.part(part); });
    session.measure(table);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("farm", argc, argv);
    for (const double microseconds : {1.0, 10.0})
        for (const std::size_t workers : {2u, 4u})
            for (const bool ordered : {false, true}) farm(session, microseconds, workers, ordered);
    return session.finish();
}
