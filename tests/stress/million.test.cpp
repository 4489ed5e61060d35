#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

// Many or very big items through three stages.
namespace stress_million_tests {

using namespace parallelpipe;

namespace {

constexpr std::uint64_t sum_below(std::uint64_t count) { return count * (count - 1) / 2; }

auto add_one(std::size_t workers, std::optional<std::size_t> qsize) {
    return stage({.workers = workers, .qsize = qsize},
                 [](Input<std::uint64_t> items) -> generator<std::uint64_t> {
                     for (const std::uint64_t x : items) co_yield x + 1;
                 });
}

/// Runs `items` numbers through three stages. Returns: the sum and the number of the results.
std::pair<std::uint64_t, std::uint64_t> through_three(std::uint64_t items, std::size_t workers,
                                                      std::optional<std::size_t> qsize) {
    const auto step = add_one(workers, qsize);
    auto source = stage({.qsize = qsize}, [items]() -> generator<std::uint64_t> {
        for (std::uint64_t i = 0; i < items; ++i) co_yield i;
    });
    std::pair<std::uint64_t, std::uint64_t> sum_and_count;
    for (const std::uint64_t x : (source | step | step | step).results()) {
        sum_and_count.first += x;
        ++sum_and_count.second;
    }
    return sum_and_count;
}

}  // namespace

TEST_CASE("a million items pass three stages", "[stress]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U);
    constexpr std::uint64_t items = support::sanitized ? 100'000 : 1'000'000;
    const auto [sum, count] = through_three(items, workers, std::nullopt);
    CHECK(count == items);
    CHECK(sum == sum_below(items) + 3 * items);
}

TEST_CASE("many items pass three stages one by one", "[stress]") {
    const std::size_t workers = GENERATE(1U, 2U, 9U);
    const std::size_t qsize = GENERATE(1U, 2U, 7U);
    constexpr std::uint64_t items = support::sanitized ? 2'000 : 20'000;
    const auto [sum, count] = through_three(items, workers, qsize);
    CHECK(count == items);
    CHECK(sum == sum_below(items) + 3 * items);
}

TEST_CASE("an unlimited queue holds many items", "[stress]") {
    const std::size_t workers = GENERATE(1U, 4U);
    constexpr std::uint64_t items = support::sanitized ? 50'000 : 500'000;
    const auto [sum, count] = through_three(items, workers, 0U);
    CHECK(count == items);
    CHECK(sum == sum_below(items) + 3 * items);
}

TEST_CASE("items of 10 MB pass three stages without being copied", "[stress]") {
    const std::size_t workers = GENERATE(1U, 3U);
    using Block = std::vector<std::uint64_t>;
    constexpr std::size_t length = 10'000'000 / sizeof(std::uint64_t);
    auto source = stage({.qsize = 2}, []() -> generator<std::pair<const std::uint64_t*, Block>> {
        for (std::uint64_t i = 0; i < 5; ++i) {
            Block block(length, i);
            const std::uint64_t* const where = block.data();
            co_yield {where, std::move(block)};
        }
    });
    auto step = map_stage({.workers = workers, .qsize = 2},
                          [](std::pair<const std::uint64_t*, Block> item) { return item; });
    std::uint64_t sum = 0;
    bool stayed = true;
    for (auto& [where, block] : (source | step | step | step).results()) {
        stayed = stayed && block.data() == where && block.size() == length;
        sum += block.back();
    }
    CHECK(sum == 10);
    CHECK(stayed);
}

}  // namespace stress_million_tests
