// How many instructions does an item cost? This program runs one of several small pipelines over a
// number of items. instructions.py runs it twice under callgrind, with different numbers of items, and
// subtracts the counts, which removes the cost of starting and stopping.

#include <parallelpipe.hpp>

#include "support/numbers.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

using namespace parallelpipe;

int run(const std::string& what, std::size_t items) {
    // Unlimited queues: no worker waits for a slot, so the count does not depend on the scheduler.
    const Setup endless{.qsize = 0};
    const Pipeline<void, std::uint64_t> source = bench::counting(endless, items);
    const auto generator = bench::adding_generator(endless);
    const auto map = bench::adding_map(endless);
    std::uint64_t sum = 0;
    const auto add_up = [&](const Pipeline<void, std::uint64_t>& pipeline) {
        sum = bench::sum_of(pipeline)();
    };
    const auto add_up_inline = [&](const Pipeline<void, std::uint64_t>& pipeline) {
        for (const std::uint64_t& x : pipeline.results(inline_run)) sum += x;
    };
    const auto maps = map | map | map | map;
    const auto generators = generator | generator | generator | generator;
    const auto farm = [](bool ordered) {
        return bench::adding_map({.workers = 2, .qsize = 0, .ordered = ordered});
    };
    if (what == "source") add_up(source);
    else if (what == "generator_4") add_up(source | generators);
    else if (what == "map_4") add_up(source | maps);
    else if (what == "fused_generator_4") add_up(source | fuse(endless, generators));
    else if (what == "fused_map_4") add_up(source | fuse(endless, maps));
    else if (what == "farm") add_up(source | farm(false));
    else if (what == "ordered_farm") add_up(source | farm(true));
    else if (what == "inline_map_4") add_up_inline(source | maps);
    else if (what == "inline_fused_map_4") add_up_inline(fuse(source | maps));
    else return EXIT_FAILURE;
    return sum > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3) return run(argv[1], std::strtoull(argv[2], nullptr, 10));
    std::cerr << "usage: " << argv[0] << " WHAT ITEMS\n";
    return 2;
}
