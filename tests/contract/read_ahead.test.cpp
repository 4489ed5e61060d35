// How far an ordered stage reads ahead of its earliest unfinished item.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/outcome.hpp"
#include "support/scarce_memory.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace contract_read_ahead_tests {

using namespace parallelpipe;
using support::comes_true;

namespace {

using KeyFunction = std::function<int(int)>;

/// The endless range 0, 1, ...; it counts in `read` the elements that were read.
auto counted(std::atomic<long>& read) {
    return std::views::iota(0) | std::views::transform([&read](int x) {
               ++read;
               return x;
           });
}

/// A key that gives item 0 a worker of its own: keys 0 and 1 belong to different ones of three workers.
int alone(int x) { return x == 0 ? 0 : 1; }

/// Waits until the number stops changing or exceeds `limit`.
bool comes_to_rest(const std::atomic<long>& number, long limit) {
    long before = -1;
    return comes_true([&] {
        const long now = number;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return number > limit || (now == std::exchange(before, now) && number == now);
    });
}

/// A pipeline of an ordered stage whose item 0 waits for `release`; the other items have no results.
Pipeline<void, int> held_up(const std::string& kind, std::size_t workers, std::size_t qsize,
                            std::atomic<long>& read, std::latch& release) {
    const Setup setup{.workers = workers, .qsize = qsize, .ordered = true};
    const auto is_first = [&release](int x) {
        if (x == 0) release.wait();
        return x == 0;
    };
    const auto or_throw = [is_first](int x) {
        if (!is_first(x)) throw std::runtime_error("none");
        return x;
    };
    if (kind == "filter") return counted(read) | filter(setup, is_first);
    if (kind == "keyed filter")
        return counted(read) | filter(setup, is_first).partition_by(KeyFunction(alone));
    if (kind == "flat_map")
        return counted(read) | flat_map(setup, [is_first](int x) {
                   return std::vector<int>(is_first(x) ? 1U : 0U, x);
               });
    if (kind == "skip")
        return counted(read) | map_stage(setup, or_throw).setup({.on_error = OnError::skip});
    if (kind == "dead_letter")
        return counted(read) |
               map_stage(setup, or_throw).dead_letter([](std::exception_ptr, int&) {});
    if (kind == "fused")
        return counted(read) | fuse(setup, filter(is_first) | filter([](int) { return true; }));
    if (kind == "fused range")
        return fuse(setup, counted(read) | filter(is_first)) | map_stage([](int x) { return x; });
    if (kind == "a slow set-up")
        return counted(read) | stage(setup, [&release](Input<int> in) -> generator<int> {
                   if (this_worker::index() == 0) {
                       release.wait();
                       co_yield 0;
                   }
                   for ([[maybe_unused]] int x : in) continue;
               });
    return counted(read) | stage(setup, [is_first](Input<int> in) -> generator<int> {
               for (int x : in)
                   if (is_first(x)) co_yield x;
           });
}

}  // namespace

TEST_CASE("an ordered stage whose items have no results reads a bounded number of them ahead",
          "[contract][ordered][backpressure]") {
    const std::string kind = GENERATE("filter", "keyed filter", "flat_map", "skip", "dead_letter",
                                      "fused", "fused range", "a loop", "a slow set-up");
    const std::size_t qsize = GENERATE(1U, 16U);
    INFO(kind << ", qsize " << qsize);
    constexpr std::size_t workers = 3;
    std::atomic<long> read{0};
    std::latch release(1);
    auto results = held_up(kind, workers, qsize, read, release).results();
    // At most 1024 items wait before the stage.
    constexpr long most = 1024 + 2 * 256 * static_cast<long>(workers);
    const bool rests = comes_to_rest(read, most);
    const long ahead = read;
    // The worker with the earliest item never blocks, and wakes the others when the item is done.
    release.count_down();
    const bool goes_on = comes_true([&] { return read > 2 * ahead; });
    const auto first = results.begin();
    const bool has_first = *first == 0;
    results.cancel();
    CHECK(rests);
    CHECK(ahead <= most);
    CHECK(ahead > 100);
    CHECK(goes_on);
    CHECK(has_first);
}

TEST_CASE(
    "an ordered stage continues if the next item was given back and all other workers are too far ahead",
    "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    std::atomic<long> begun{0};
    auto rare =
        stage({.workers = 3, .qsize = 1, .ordered = true}, [&](Input<int> in) -> generator<int> {
            if (this_worker::index() == 0) {
                // Claims item 0, does not read it and leaves when the other workers wait.
                auto at = in.begin();
                if (at == in.end()) co_return;
                begun = 1;
                comes_to_rest(begun, 100'000);
                co_return;
            }
            comes_true([&] { return begun != 0; });
            for (int x : in) {
                ++begun;
                if (x % 1000 == 0) co_yield x;
            }
        });
    // Finds a key of worker 0; keys belong to the same worker in every run.
    int key_of_first = 0;
    for (int key = 0; key < 3 && keyed; ++key) {
        const auto all_to_one = map_stage({.workers = 3}, [](int) { return this_worker::index(); });
        auto one = all_to_one;
        one.partition_by(KeyFunction([key](int) { return key; }));
        if ((std::views::iota(0, 1) | one).execute() == 0) key_of_first = key;
    }
    if (keyed)
        rare.partition_by(
            KeyFunction([key_of_first](int x) { return x == 0 ? key_of_first : 100 + x % 20; }));
    // Ends the run even if it stalls.
    std::stop_source stop;
    std::atomic<bool> has_ended{false};
    std::jthread limit([&] {
        if (!comes_true([&] { return has_ended.load(); })) stop.request_stop();
    });
    std::vector<int> results;
    bool was_cancelled = false;
    try {
        for (int x : (std::views::iota(0, 10'000) | rare).results(stop.get_token()))
            results.push_back(x);
    } catch (const CancelledError&) {
        was_cancelled = true;
    }
    has_ended = true;
    std::vector<int> expected;
    for (int x = 0; x < 10'000; x += 1000) expected.push_back(x);
    CHECK_FALSE(was_cancelled);
    CHECK(results == expected);
}

TEST_CASE("an ordered stage with an unlimited queue keeps nothing of items without results",
          "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    constexpr int count = 100'000;
    constexpr int few = 200;
    std::atomic<int> begun{0};
    support::lost_so_far();
    auto rare = filter({.workers = 3, .qsize = 0, .ordered = true}, [&](int x) {
        thread_local bool is_limited = false;
        // From then on a worker that allocates another segment of the order fails.
        if (!std::exchange(is_limited, true))
            support::lose_next(support::Memory::over_aligned, 1, few);
        if (++begun; x == 0) comes_true([&] { return begun == count; });
        return x % 1000 == 0;
    });
    if (keyed) rare.partition_by(KeyFunction(alone));
    const support::Outcome outcome = support::outcome_of(std::views::iota(0, count) | rare);
    CHECK(outcome.text == "");
    CHECK(support::lost_so_far() == 0);
    CHECK(outcome.items.size() == count / 1000);
    CHECK(std::ranges::is_sorted(outcome.items));
}

TEST_CASE(
    "cancel() wakes the workers of an ordered stage that are too far ahead, and they claim no other item",
    "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    std::atomic<long> begun{0};
    std::latch release(1);
    auto drop = filter({.workers = 3, .qsize = 1, .ordered = true}, [&](int x) {
        ++begun;
        if (x == 0) release.wait();
        return false;
    });
    if (keyed) drop.partition_by(KeyFunction([](int x) { return x % 7; }));
    auto results = (std::views::iota(0) | drop).results();
    const bool rests = comes_to_rest(begun, 100'000);
    const long ahead = begun;
    std::thread cancelling([&] { results.cancel(); });
    support::give_it_a_chance();
    const long later = begun;
    release.count_down();
    cancelling.join();
    CHECK(rests);
    CHECK(later == ahead);
}

}  // namespace contract_read_ahead_tests
