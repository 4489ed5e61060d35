// What does it cost to hand one 64-bit item from one stage to the next? A source, K serial stages that
// add 1, a sum. A hop is one hand-over between threads; an item takes K + 1 hops.
// A second table measures a fused chain of four such stages, which runs in one thread.

#include <parallelpipe.hpp>

#include "support/numbers.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;

Number loop(Number items, std::size_t stages) {
    Number sum = 0;
    for (Number i = 0; i < items; ++i) {
        Number x = i;
        for (std::size_t k = 0; k < stages; ++k) {
            x += 1;
            asm volatile("" : "+r"(x));  // keeps the compiler from merging the additions
        }
        sum += x;
    }
    return sum;
}

template <std::size_t K>
void hop(bench::Session& session) {
    const std::size_t items = session.options().items(2'000'000);
    Pipeline<void, Number> generators = bench::counting({}, items);
    Pipeline<void, Number> maps = bench::counting({}, items);
    for (std::size_t k = 0; k < K; ++k) {
        generators = generators | bench::adding_generator();
        maps = maps | bench::adding_map();
    }
    const double hops = static_cast<double>(items) * (K + 1);
    bench::Table table{"hop, K = " + std::to_string(K), {"ns a hop", "CPU ns"}};
    using enum bench::Role;
    table.contenders = {
        {reference, "loop", bench::timed(hops, [=] { return loop(items, K); })},
        {ours, "generator stages", bench::timed(hops, bench::sum_of(generators))},
        {ours, "map_stage", bench::timed(hops, bench::sum_of(maps))}};
    bench::add_peers<K>(session, table, 1, false, hops,
                        [=](double part) { return bench::hop_job(items, part); });
    session.measure(table);
}

void fused(bench::Session& session) {
    const std::size_t items = session.options().items(2'000'000);
    const auto generator = bench::adding_generator();
    const auto map = bench::adding_map();
    const auto generators = generator | generator | generator | generator;
    const auto maps = map | map | map | map;
    const auto by_hand = map_stage([](Number x) {
        for (int k = 0; k < 4; ++k) {
            x += 1;
            asm volatile("" : "+r"(x));
        }
        return x;
    });
    const Pipeline<void, Number> source = bench::counting({}, items);
    const auto whole = fuse(source | fuse(maps));
    bench::Table table{"fused chain of 4 stages", {"ns an item", "CPU ns"}};
    const auto add = [&](bench::Role role, const std::string& name, auto run) {
        table.contenders.push_back({role, name, bench::timed(static_cast<double>(items), run)});
    };
    using enum bench::Role;
    add(reference, "loop", [=] { return loop(items, 4); });
    add(reference, "source alone", [=, run = bench::sum_of(source)] { return run() + 4 * items; });
    add(reference, "source | one map, 4 steps by hand", bench::sum_of(source | by_hand));
    add(ours, "source | fuse(4 maps)", bench::sum_of(source | fuse(maps)));
    add(ours, "the same, types forgotten",
        bench::sum_of(source | fuse(Pipeline<Number, Number>(maps))));
    add(ours, "source | fuse(4 generators)", bench::sum_of(source | fuse(generators)));
    add(ours, "fuse(source | fuse(4 maps))", bench::sum_of(whole));
    add(ours, "the same, inline", [=] {
        Number sum = 0;
        for (const Number& x : whole.results(inline_run)) sum += x;
        return sum;
    });
    session.measure(table);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("hop", argc, argv);
    hop<1>(session);
    hop<4>(session);
    fused(session);
    return session.finish();
}
