// Do workers stay busy when the work per item differs? Every 64th item takes 200 microseconds, the
// others 1; one stage with 2 workers. The ideal is half of the loop's time.

#include <parallelpipe.hpp>

#include "support/farm_job.hpp"
#include "support/numbers.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"
#include "support/work.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;

struct SkewedWork {
    bench::Work little{1'000};
    bench::Work much{200'000};

    void operator()(Number& x) const { x % 64 == 63 ? much(x) : little(x); }
};

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("skew", argc, argv);
    const std::size_t items = session.options().items(40'000);
    const SkewedWork work;
    const bench::FarmJob<SkewedWork> job{items, work};
    const double units = static_cast<double>(items) * 1000;
    const auto source = bench::counting({}, items);
    const auto run = [source, work](bool ordered) {
        return bench::sum_of(source | map_stage({.workers = 2, .ordered = ordered}, [work](Number x) {
                                 work(x);
                                 return x;
                             }));
    };
    bench::Table table{"skew, 1 of 64 items 200 us, the others 1 us, 2 workers",
                       {"us an item", "CPU us"}};
    using enum bench::Role;
    table.contenders = {
        {reference, "loop", bench::timed(units, [job] { return bench::by_loop(job, 1); })},
        {ours, "map_stage", bench::timed(units, run(false))},
        {ours, "map_stage, ordered", bench::timed(units, run(true))}};
    bench::add_peers<1>(session, table, 2, false, units,
                        [job](double part) { return job.part(part); });
    session.measure(table);
    return session.finish();
}
