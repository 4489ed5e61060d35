// What does it cost to hand on big items? Items of 4 KiB pass 3 stages that read and write every byte.
// A core that receives an item from another core must fetch its cache lines first; items that wait in
// a deep queue have left the cache.

#include <parallelpipe.hpp>

#include "support/peers.hpp"
#include "support/session.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;
using Block = std::array<Number, 4096 / sizeof(Number)>;

// noinline: all contenders run the same machine code. The alignment of such a short loop can change its
// speed by a third.
[[gnu::noinline]] std::unique_ptr<Block> made(Number number) {
    auto block = std::make_unique<Block>();
    block->fill(number);
    return block;
}

[[gnu::noinline]] void changed(Block& block) {
    for (Number& x : block) x = (x ^ (x >> 7)) + 0x9e3779b97f4a7c15;
}

struct PayloadJob {
    using Item = Block*;  // the source allocates, the sink deletes

    std::size_t items;
    Number next_number = 0;
    Number sum = 0;

    std::optional<Item> next() {
        return next_number < items ? std::optional(made(next_number++).release()) : std::nullopt;
    }
    void work(Item& block) const { changed(*block); }
    void sink(Item block) {
        sum += block->back();
        delete block;
    }
    unsigned long long checksum() const { return sum; }
};

Number loop(std::size_t items) {
    Number sum = 0;
    for (Number i = 0; i < items; ++i) {
        const auto block = made(i);
        for (int k = 0; k < 3; ++k) changed(*block);
        sum += block->back();
    }
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("payload", argc, argv);
    const std::size_t items = session.options().items(100'000);
    const double units = static_cast<double>(items) * 1000;
    using Handle = std::unique_ptr<Block>;
    const auto blocks = [items]() -> generator<Handle> {
        for (Number i = 0; i < items; ++i) co_yield made(i);
    };
    const auto source = stage(blocks);
    const auto change = map_stage([](Handle block) {
        changed(*block);
        return block;
    });
    const auto summed = [](const Pipeline<void, Handle>& pipeline) {
        return [pipeline] {
            Number sum = 0;
            for (const Handle& block : pipeline.results()) sum += block->back();
            return sum;
        };
    };
    bench::Table table{"payload, 4 KiB through 3 stages", {"us an item", "CPU us"}};
    const auto chain = change | change | change;
    using enum bench::Role;
    const auto add = [&](bench::Role role, const char* name, auto run) {
        table.contenders.push_back({role, name, bench::timed(units, run)});
    };
    add(reference, "loop", [items] { return loop(items); });
    add(ours, "map_stage", summed(source | change | change | change));
    add(ours, "source | fuse(3)", summed(source | fuse(chain)));
    add(ours, "source | fuse(3), 2 workers", summed(source | fuse({.workers = 2}, chain)));
    add(ours, "fuse(source | 3)", summed(fuse(source | chain)));
    const auto sum = reduce(Number{0}, [](Number all, const Handle& block) { return all + block->back(); });
    add(ours, "fuse(range | 3 | sum), 2 workers", [blocks, chain, sum] {
        Number all = 0;
        for (Number part : fuse({.workers = 2}, blocks() | chain | sum).results()) all += part;
        return all;
    });
    const auto make = [items](double part) {
        return PayloadJob{static_cast<std::size_t>(static_cast<double>(items) * part)};
    };
    const bench::Tuning tuning{.depths = {2, 8, 64, 1024},
                               .chunks = {1, 8, 32, 128},
                               .tokens = {2, 4, 8, 16, 64},
                               .lines = {2, 4, 8, 16, 64},
                               .queues = {0, 2, 8, 64, 512}};
    bench::add_peers<3>(session, table, 1, false, units, make, tuning);
    session.measure(table);
    return session.finish();
}
