// How fast are words counted? Two workers count the words of 64 KiB blocks of text in a table of their
// own each; the tables are merged at the end.

#include <parallelpipe.hpp>

#include "support/farm_job.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace parallelpipe;
using Number = std::uint64_t;

/// A transparent hash: finds a std::string key by a string_view without a temporary string.
struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const {
        return std::hash<std::string_view>()(word);
    }
};
using Counts = std::unordered_map<std::string, Number, Hash, std::equal_to<>>;

/// A text of about 64 KiB: some 10,000 words out of 5,000 different ones, low numbers most often.
std::string text() {
    std::string all;
    Number random = 1;
    const auto next = [&] {
        random = random * 6364136223846793005u + 1442695040888963407u;
        return random >> 33;
    };
    while (all.size() < 64 * 1024) {
        const Number which = next() % (1 + next() % 5000);
        all += "w" + std::to_string(which * 37) + ' ';
    }
    return all;
}

void count(std::string_view block, Counts& counts) {
    while (!block.empty()) {
        const std::size_t end = block.find(' ');
        const std::string_view word = block.substr(0, end);
        if (!word.empty()) {
            const auto found = counts.find(word);
            found == counts.end() ? void(counts.emplace(word, 1)) : void(++found->second);
        }
        if (end == std::string_view::npos) return;
        block.remove_prefix(end + 1);
    }
}

void merge(Counts& into, const Counts& counts) {
    for (const auto& [word, times] : counts) into[word] += times;
}

unsigned long long checksum(const Counts& counts) {
    unsigned long long sum = 0;
    for (const auto& [word, times] : counts) sum += times * word.size() + times;
    return sum;
}

/// A pool of tables, one for each thread that counts at the same time. A thread takes a table for one
/// block and puts it back.
class Tables {
public:
    std::unique_ptr<Counts> take() {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) return std::make_unique<Counts>();
        std::unique_ptr<Counts> table = std::move(free_.back());
        free_.pop_back();
        return table;
    }
    void put_back(std::unique_ptr<Counts> table) {
        const std::lock_guard lock(mutex_);
        free_.push_back(std::move(table));
    }
    Counts merged() const {
        Counts all;
        for (const auto& table : free_) merge(all, *table);
        return all;
    }

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Counts>> free_;
};

struct TextJob {
    using Item = std::string*;  // the source allocates, the sink deletes

    std::size_t blocks;
    const std::string* text;
    std::shared_ptr<Tables> tables = std::make_shared<Tables>();
    std::size_t made = 0;

    std::optional<Item> next() {
        if (made == blocks) return std::nullopt;
        ++made;
        return new std::string(*text);
    }
    void work(Item& block) const {
        std::unique_ptr<Counts> counts = tables->take();
        count(*block, *counts);
        tables->put_back(std::move(counts));
    }
    void sink(Item block) { delete block; }
    unsigned long long checksum() const { return ::checksum(tables->merged()); }
};

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("text", argc, argv);
    const std::size_t blocks = session.options().items(600);
    const std::string block = text();
    const double units = static_cast<double>(blocks) * 1000;
    const auto copies = [blocks, &block]() -> generator<std::string> {
        for (std::size_t i = 0; i < blocks; ++i) co_yield block;
    };
    const auto counting = stage({.workers = 2}, [](Input<std::string> in) -> generator<Counts> {
        Counts counts;
        for (const std::string& text : in) count(text, counts);
        co_yield std::move(counts);
    });
    const auto merging = reduce(Counts(), [](Counts all, const Counts& counts) {
        merge(all, counts);
        return all;
    });
    const auto pipeline = stage(copies) | counting | merging;
    bench::Table table{"text, blocks of 64 KiB, 2 workers count words", {"us a block", "CPU us"}};
    using enum bench::Role;
    const auto make = [blocks, &block](double part) {
        return TextJob{static_cast<std::size_t>(static_cast<double>(blocks) * part), &block};
    };
    table.contenders = {
        {reference, "loop", bench::timed(units, [=] { return bench::by_loop(make(1), 1); })},
        {ours, "stage, reduce",
         bench::timed(units, [pipeline] { return checksum(pipeline.execute()); })},
        {ours, "fuse(range | stage), reduce", bench::timed(units, [=] {
             const auto fused = fuse({.workers = 2}, copies() | counting) | merging;
             return checksum(fused.execute());
         })}};
    const bench::Tuning tuning{.depths = {2, 8, 64},
                               .chunks = {1, 2, 8},
                               .tokens = {2, 4, 8, 16},
                               .lines = {2, 4, 8, 16},
                               .queues = {0, 2, 8, 64}};
    bench::add_peers<1>(session, table, 2, false, units, make, tuning);
    session.measure(table);
    return session.finish();
}
