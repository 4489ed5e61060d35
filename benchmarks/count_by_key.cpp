// Counting by key with 2 and 4 workers: a map for each worker, merged at the end, or one map under a mutex. Items are
// records with half a microsecond of work each, or blocks of 1,000 words and nothing else to do.

#include <parallelpipe.hpp>

#include "support/session.hpp"
#include "support/work.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ranges>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;
using Words = std::vector<std::string>;
using Counts = std::unordered_map<std::string, Number>;

Counts merged(Counts all, const Counts& part) {
    for (const auto& [key, times] : part) all[key] += times;
    return all;
}

unsigned long long checksum(const Counts& counts) {
    unsigned long long sum = 0;
    for (const auto& [key, times] : counts) sum += times * times + key.size();
    return sum;
}

/// The keys of a record: one, after some work.
struct Record {
    bench::Work work{500};
    Words keys_of(Number x) const {
        work(x);
        return {"key " + std::to_string(x % 5'000)};
    }
};

/// The keys of a block: 1,000, which are there already.
struct Block {
    std::vector<Words> blocks = std::vector<Words>(16);
    Block() {
        Number random = 1;
        for (Words& words : blocks)
            for (int i = 0; i < 1'000; ++i) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                words.push_back("word " + std::to_string((random >> 33) % 5'000));
            }
    }
    const Words& keys_of(Number x) const { return blocks[x % blocks.size()]; }
};

template <class Items>
void measure(bench::Session& session, const std::string& what, const Items& items, std::size_t count, double units) {
    const auto numbers = std::views::iota(Number{0}, Number{count});
    const auto loop = [&items, numbers] {
        Counts counts;
        for (const Number x : numbers)
            for (const std::string& key : items.keys_of(x)) ++counts[key];
        return checksum(counts);
    };
    for (const std::size_t workers : {2, 4}) {
        const auto maps = [&items, numbers, workers] {
            const auto counting = stage({.workers = workers}, [&items](Input<Number> in) -> generator<Counts> {
                Counts counts;
                for (const Number x : in)
                    for (const std::string& key : items.keys_of(x)) ++counts[key];
                co_yield std::move(counts);
            });
            return checksum((numbers | counting | reduce(Counts(), merged)).execute());
        };
        const auto keyed = [&items, numbers, workers] {
            const auto keys = flat_map({.workers = workers}, [&items](Number x) { return items.keys_of(x); });
            const auto counting = stage({.workers = workers}, [](Input<std::string> in) -> generator<Counts> {
                                      Counts counts;
                                      for (const std::string& key : in) ++counts[key];
                                      co_yield std::move(counts);
                                  }).partition_by(std::identity());
            return checksum((numbers | keys | counting | reduce(Counts(), merged)).execute());
        };
        const auto one_map = [&items, numbers, workers] {
            std::mutex mutex;
            Counts counts;
            const auto counting = for_each({.workers = workers}, [&](Number x) {
                for (const std::string& key : items.keys_of(x)) {
                    const std::lock_guard lock(mutex);
                    ++counts[key];
                }
            });
            (numbers | counting).execute();
            return checksum(counts);
        };
        bench::Table table{what + ", " + std::to_string(workers) + " workers", {"ns a key", "CPU ns"}};
        using enum bench::Role;
        table.contenders = {{reference, "loop", bench::timed(units, loop)},
                            {ours, "a map a worker, merged", bench::timed(units, maps)},
                            {ours, "a map a worker, partition_by", bench::timed(units, keyed)},
                            {ours, "one map under a mutex", bench::timed(units, one_map)}};
        session.measure(table);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("count_by_key", argc, argv);
    const std::size_t records = session.options().items(400'000);
    const std::size_t blocks = session.options().items(10'000);
    measure(session, "records of 500 ns", Record(), records, static_cast<double>(records));
    measure(session, "blocks of 1,000 words", Block(), blocks, static_cast<double>(blocks) * 1'000);
    return session.finish();
}
