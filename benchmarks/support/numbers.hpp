#ifndef PARALLELPIPE_BENCHMARKS_NUMBERS_HPP
#define PARALLELPIPE_BENCHMARKS_NUMBERS_HPP

#include <parallelpipe.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace bench {

/// A job of numbers; each stage adds 1.
struct HopJob {
    using Item = std::uint64_t;

    std::size_t items;
    Item made = 0;
    Item sum = 0;

    std::optional<Item> next() { return made < items ? std::optional(made++) : std::nullopt; }
    void work(Item& x) const { x += 1; }
    void sink(Item x) { sum += x; }
    unsigned long long checksum() const { return sum; }
};

inline HopJob hop_job(std::size_t items, double part = 1) {
    return {static_cast<std::size_t>(static_cast<double>(items) * part)};
}

/// A source that yields the numbers below `items`.
inline auto counting(parallelpipe::Setup setup, std::size_t items) {
    return parallelpipe::stage(setup, [items]() -> parallelpipe::generator<std::uint64_t> {
        for (std::uint64_t i = 0; i < items; ++i) co_yield i;
    });
}
/// A generator stage that adds 1.
inline auto adding_generator(parallelpipe::Setup setup = {}) {
    return parallelpipe::stage(
        setup,
        [](parallelpipe::Input<std::uint64_t> in) -> parallelpipe::generator<std::uint64_t> {
            for (const std::uint64_t x : in) co_yield x + 1;
        });
}
/// A map_stage that adds 1.
inline auto adding_map(parallelpipe::Setup setup = {}) {
    return parallelpipe::map_stage(setup, [](std::uint64_t x) { return x + 1; });
}

/// Returns a function that runs the pipeline or stage and adds up its results.
template <class Runnable>
auto sum_of(const Runnable& pipeline) {
    return [pipeline] {
        std::uint64_t sum = 0;
        for (const std::uint64_t& x : pipeline.results()) sum += x;
        return sum;
    };
}

}  // namespace bench

#endif
