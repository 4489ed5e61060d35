#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <numeric>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

// A queue holds at most qsize items: how far a fast producer gets ahead of a slow consumer.
namespace contract_backpressure_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Tally;

namespace {

/// A counter that keeps its largest value.
struct Gauge {
    std::atomic<long> now{0};
    std::atomic<long> peak{0};

    void add(long n) {
        const long value = now += n;
        long seen = peak;
        while (seen < value && !peak.compare_exchange_weak(seen, value)) {
        }
    }
};

/// An item that counts itself in a Gauge while it lives, moved-from objects included.
struct Measured {
    Measured(Gauge& g, int n) : value(n), gauge(&g) { gauge->add(1); }
    Measured(Measured&& other) noexcept : value(other.value), gauge(other.gauge) { gauge->add(1); }
    Measured& operator=(Measured&&) = delete;
    ~Measured() { gauge->add(-1); }

    int value;
    Gauge* gauge;
};

/// Yields numbers without end and counts the co_yields that it started.
generator<int> count_yields(std::atomic<long>& begun) {
    for (int i = 0;; ++i) {
        ++begun;
        co_yield i;
    }
}

}  // namespace

TEST_CASE("a source whose results are not read stops one item after the bound",
          "[contract][backpressure]") {
    const std::size_t qsize = GENERATE(1U, 2U, 3U, 5U, 8U, 64U, 1000U, 5000U);
    std::atomic<long> begun{0};
    {
        auto results = Stage(count_yields, std::ref(begun)).setup({.qsize = qsize}).results();
        const long bound = static_cast<long>(qsize) + 1;  // and the item that it waits to push
        CHECK(comes_true([&] { return begun >= bound; }));
        support::give_it_a_chance();
        CHECK(begun == bound);
    }
}

TEST_CASE("by default a queue is bounded by at most 1024 items", "[contract][backpressure]") {
    std::atomic<long> begun{0};
    auto results = Stage(count_yields, std::ref(begun)).results();
    CHECK(comes_true([&] { return begun > 1; }));
    long before = -1;
    CHECK(comes_true([&] {
        support::give_it_a_chance();
        return std::exchange(before, begun.load()) == begun.load();
    }));
    CHECK(begun <= 1025);
}

TEST_CASE("the queue after a range on the left is bounded by default too",
          "[contract][backpressure]") {
    std::atomic<long> read{0};
    std::atomic<bool> holding{false};
    std::counting_semaphore<> go(0);
    auto numbers = std::views::iota(0) | std::views::transform([&](int i) {
                       ++read;
                       return i;
                   });
    auto hold = stage([&](Input<int> items) -> generator<int> {
        for (int x : items) {
            holding = true;
            go.acquire();
            co_yield x;
        }
    });
    auto results = (numbers | hold).results();
    CHECK(comes_true([&] { return holding.load(); }));
    long before = -1;
    CHECK(comes_true([&] {
        support::give_it_a_chance();
        return std::exchange(before, read.load()) == read.load();
    }));
    CHECK(read <= 1024 + 2);
    go.release();
    CHECK(*results.begin() == 0);
    go.release(1'000'000);  // enough until the end of the run reaches the source
}

TEST_CASE("with qsize 0 a source runs to its end although no one reads its items",
          "[contract][backpressure]") {
    std::atomic<bool> done{false};
    auto results = stage({.qsize = 0}, [&]() -> generator<int> {
                       for (int i = 0; i < 20000; ++i) co_yield i;
                       done = true;
                   }).results();
    CHECK(comes_true([&] { return done.load(); }));
    long sum = 0;
    for (int x : results) sum += x;
    CHECK(sum == 20000L * 19999 / 2);
}

TEST_CASE(
    "with qsize 0 between two stages the first runs to its end while the second holds its "
    "first item",
    "[contract][backpressure]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::latch done(static_cast<std::ptrdiff_t>(workers));
    auto source = stage({.workers = workers, .qsize = 0}, [&]() -> generator<int> {
        for (int i = 0; i < 5000; ++i) co_yield 1;
        done.count_down();
    });
    auto sum = stage([&](Input<int> items) -> generator<long> {
        long total = 0;
        for (int x : items) {
            done.wait();
            total += x;
        }
        co_yield total;
    });
    CHECK((source | sum).execute() == static_cast<long>(5000 * workers));
}

TEST_CASE("at most qsize items wait between two stages, plus one in a worker on either side",
          "[contract][backpressure]") {
    const std::size_t qsize = GENERATE(1U, 2U, 5U, 64U);
    std::atomic<long> begun{0};
    std::atomic<long> taken{0};
    std::counting_semaphore<> go(0);
    auto slow = stage([&](Input<int> items) -> generator<int> {
        for (int x : items) {
            ++taken;
            go.acquire();
            co_yield x;
        }
    });
    auto results =
        (Stage(count_yields, std::ref(begun)).setup({.qsize = qsize}) | slow.setup({.qsize = 0}))
            .results();
    const long bound = static_cast<long>(qsize) + 2;
    // A full queue may wait for several free slots before it wakes the source.
    CHECK(comes_true([&] { return taken == 1 && begun >= bound - static_cast<long>(qsize) / 4; }));
    support::give_it_a_chance();
    CHECK(begun <= bound);
    CHECK(taken == 1);
    bool kept = true;
    for (long released = 1; released <= 200; ++released) {
        go.release();
        CHECK(comes_true([&] { return taken == released + 1; }));
        kept = kept && begun <= bound + released;
    }
    support::give_it_a_chance();
    CHECK(kept);
    CHECK(begun <= bound + 200);
    // Free slots are used again, though not one by one.
    CHECK(begun >= 201 + static_cast<long>(qsize) / 2);
    std::thread leave([&] { go.release(2000); });
    results.cancel();
    leave.join();
}

TEST_CASE("the live items between two stages never exceed qsize and one for each worker",
          "[contract][backpressure]") {
    struct Workers {
        std::size_t left, right;
    };
    const std::size_t qsize = GENERATE(1U, 2U, 5U, 64U);
    const Workers workers = GENERATE(Workers{1, 1}, Workers{2, 1}, Workers{1, 3}, Workers{3, 2});
    constexpr int count = support::sanitized ? 1000 : 5000;
    Gauge gauge;
    auto source =
        stage({.workers = workers.left, .qsize = qsize}, [&gauge]() -> generator<Measured> {
            for (int i = 0; i < count; ++i) co_yield Measured(gauge, i);
        });
    auto read = stage({.workers = workers.right}, [](Input<Measured> items) -> generator<int> {
        unsigned turn = 0;
        for (const Measured& m : items) {
            if (++turn % 64 == 0) std::this_thread::yield();
            co_yield m.value;
        }
    });
    long results = 0;
    for ([[maybe_unused]] int x : (source | read).results()) ++results;
    CHECK(results == static_cast<long>(count) * static_cast<long>(workers.left));
    INFO("qsize " << qsize << ", workers " << workers.left << " and " << workers.right);
    CHECK(gauge.peak <= static_cast<long>(qsize + workers.left + workers.right));
    CHECK(gauge.now == 0);
}

TEST_CASE("the bound holds after workers have left early with items taken ahead",
          "[contract][backpressure]") {
    constexpr std::size_t qsize = 256;
    constexpr std::size_t leavers = 7;
    std::atomic<long> begun{0};
    std::atomic<long> taken{0};
    std::atomic<std::size_t> gone{0};
    std::atomic<bool> all_gone{false};
    std::latch stop(1);
    auto read =
        stage({.workers = leavers + 1, .qsize = 0}, [&](Input<int> items) -> generator<int> {
            long mine = 0;
            for ([[maybe_unused]] int x : items) {
                ++taken;
                ++mine;
                if (this_worker::index() != 0 && mine > 3000) {
                    ++gone;
                    co_return;
                }
                if (this_worker::index() == 0 && all_gone.load()) stop.wait();
            }
            co_yield 0;
        });
    auto results = (Stage(count_yields, std::ref(begun)).setup({.qsize = qsize}) | read).results();
    CHECK(comes_true([&] { return gone == leavers; }));
    all_gone = true;
    long before = -1;
    CHECK(comes_true([&] {
        support::give_it_a_chance();
        return std::exchange(before, begun.load()) == begun.load();
    }));
    // `begun` includes the producer's current item, `taken` the consumer's.
    CHECK(begun - taken <= static_cast<long>(qsize) + 1);
    stop.count_down();
}

TEST_CASE("a chain of stages whose results are not read holds no more than its bounds", "[contract][backpressure]") {
    // Each stage with qsize 1 holds one waiting item and its current one.
    std::atomic<long> begun{0};
    auto pass = stage({.qsize = 1}, [](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    auto results =
        (Stage(count_yields, std::ref(begun)).setup({.qsize = 1}) | pass | pass | pass).results();
    CHECK(comes_true([&] { return begun == 8; }));
    support::give_it_a_chance();
    CHECK(begun == 8);
    int expected = 0;
    for (int x : results) {
        CHECK(x == expected);
        if (++expected == 100) break;
    }
}

TEST_CASE("qsize 1 passes everything on with any number of workers", "[contract][backpressure]") {
    const std::size_t left = GENERATE(1U, 2U, 9U);
    const std::size_t right = GENERATE(1U, 2U, 9U);
    auto source = stage({.workers = left, .qsize = 1}, []() -> generator<int> {
        for (int i = 0; i < 300; ++i) co_yield i;
    });
    auto pass = map_stage({.workers = right, .qsize = 1}, [](int x) { return x; });
    std::vector<int> times(300);
    for (int x : (source | pass).results()) ++times[static_cast<std::size_t>(x)];
    CHECK(std::all_of(times.begin(), times.end(),
                      [&](int n) { return n == static_cast<int>(left); }));
}

}  // namespace contract_backpressure_tests
