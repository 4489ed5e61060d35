#include <parallelpipe/detail/nested/range_in_turn.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace range_in_turn_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Fragile;
using support::Fuse;
using support::listed;
using support::Outcome;
using support::outcome_of;
using support::sorted;
using support::Tally;
using support::up_to;

namespace {

// One type of each kind of stage function for most tests: that is what they cost to compile.
using Generator = std::function<generator<int>(Input<int>)>;
using Range = generator<int>;

constexpr int endless = 2'000'000'000;

Stage<int, int> gen(Generator f) { return Stage<int, int>(std::move(f)); }
Stage<int, int> pass() {
    return gen([](Input<int> in) -> Range {
        for (int x : in) co_yield x;
    });
}
auto plus_one() {
    return map_stage([](int x) { return x + 1; });
}
/// None, one or two results.
Stage<int, int> repeated() {
    return gen([](Input<int> in) -> Range {
        for (int x : in)
            for (int i = 0; i < x % 3; ++i) co_yield 10 * x + i;
    });
}

Range counted_to(int end) {
    for (int i = 0; i < end; ++i) co_yield i;
}
Range failing_at(int bad) {
    for (int i = 0; i < bad; ++i) co_yield i;
    throw std::runtime_error("no more");
}

Outcome run(const Stage<void, int>& fused, bool inlined) {
    return inlined ? outcome_of(fused.results(inline_run)) : outcome_of(fused.results());
}

/// "f.source-1" and "f.source-0" are alike.
std::string without_worker(std::string text) {
    const std::size_t at = text.find("source-");
    if (at != text.npos) text[at + 7] = 'N';
    return text;
}

constexpr const char* no_more = "The task \"f.source-N\" raised std::runtime_error: no more";

}  // namespace

TEST_CASE("a range fused with the stages after it is read once, by however many workers",
          "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 2U, 9U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    const bool ordered = GENERATE(false, true);
    const Setup setup{.workers = workers, .qsize = qsize, .ordered = ordered};
    const std::vector<int> numbers = up_to(300);
    const std::vector<Pipeline<int, int>> chains = {pass(), plus_one(), plus_one() | plus_one(),
                                                    pass() | repeated(),
                                                    plus_one() | repeated() | plus_one()};
    for (const auto& chain : chains) {
        const std::vector<int> expected = listed(numbers | chain);
        const auto fused = fuse(setup, numbers | chain);
        CHECK((ordered ? listed(fused) : sorted(fused)) ==
              (ordered ? expected : sorted(numbers | chain)));
        CHECK(outcome_of(fused.results(inline_run)).items == expected);
        CHECK(outcome_of(fuse(setup, counted_to(300) | chain).results()).items.size() ==
              expected.size());
    }
}

TEST_CASE("an item of a fused range stays in the thread that took it", "[fuse][range_in_turn]") {
    using Made = std::pair<int, std::thread::id>;
    const auto numbers = []() -> generator<Made> {
        for (int i = 0; i < 200; ++i) co_yield {i, std::this_thread::get_id()};
    };
    std::atomic<int> elsewhere{0};
    auto check =
        tap([&](const Made& item) { elsewhere += item.second != std::this_thread::get_id(); });
    auto number = map_stage([](const Made& item) { return item.first; });
    CHECK(sorted(fuse({.workers = 3}, numbers() | check | number)) == up_to(200));
    CHECK(elsewhere == 0);
}

TEST_CASE("all workers of a fused range work at the same time, and none takes an item ahead",
          "[fuse][range_in_turn]") {
    constexpr int workers = 4;
    std::atomic<int> made{0};
    std::atomic<int> waiting{0};
    std::binary_semaphore go(0);
    const auto numbers = [&]() -> Range {
        for (int i = 0; i < 100; ++i) {
            ++made;
            co_yield i;
        }
    };
    auto wait = gen([&](Input<int> in) -> Range {
        for (int x : in) {
            if (x < workers) {
                ++waiting;
                go.acquire();
                go.release();
            }
            co_yield x;
        }
    });
    auto results = fuse({.workers = workers}, numbers() | wait).results();
    CHECK(comes_true([&] { return waiting == workers; }));
    support::give_it_a_chance();
    CHECK(made == workers);
    go.release();
    CHECK(outcome_of(std::move(results)).items.size() == 100);
}

TEST_CASE("an item of a fused range leaves at once, while the range makes the next one",
          "[fuse][range_in_turn]") {
    const bool ordered = GENERATE(false, true);
    std::binary_semaphore seen(0);
    const auto numbers = [&]() -> Range {
        for (int i = 0; i < 50; ++i) {
            co_yield i;
            seen.acquire();
        }
    };
    int next = 0;
    for (int x :
         fuse({.workers = 2, .ordered = ordered}, numbers() | pass() | plus_one()).results()) {
        CHECK(x == ++next);
        seen.release();
    }
    CHECK(next == 50);
}

TEST_CASE("an error of a fused range carries its name, and no later stage can catch it",
          "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const bool ordered = GENERATE(false, true);
    const OnError policy = GENERATE(OnError::stop, OnError::finish);
    const Setup setup{.workers = workers, .ordered = ordered, .name = "f", .on_error = policy};
    std::atomic<bool> caught{false};
    auto swallows = Stage<int, int>(std::function<std::vector<int>(Input<int>)>([&](Input<int> in) {
        std::vector<int> all;
        try {
            for (int x : in) all.push_back(x);
        } catch (const detail::stop_unwind&) {
            throw;
        } catch (...) {
            caught = true;
        }
        return all;
    }));
    const std::vector<Pipeline<int, int>> chains = {pass(), plus_one() | plus_one(), plus_one() | pass()};
    for (const auto& chain : chains) {
        for (const bool inlined : {false, true}) {
            const auto fused = fuse(setup, failing_at(100) | chain);
            const Outcome outcome = run(fused, inlined);
            CHECK(without_worker(outcome.text) == no_more);
            if (ordered || inlined || workers == 1 || policy == OnError::finish)
                CHECK(outcome.items.size() == 100);
            if (ordered) CHECK(std::is_sorted(outcome.items.begin(), outcome.items.end()));
            CHECK(outcome.stats.stages.front().name == "f");
        }
    }
    CHECK(without_worker(outcome_of(fuse(setup, failing_at(10) | swallows).results()).text) ==
          no_more);
    CHECK_FALSE(caught);
    CHECK(without_worker(outcome_of(fuse(setup, failing_at(0) | pass()).results()).text) ==
          no_more);
}

TEST_CASE("a sink that cannot be unwound sees the items of a fused range end where that throws",
          "[fuse][range_in_turn]") {
    std::atomic<int> seen{0};
    std::atomic<int> ends{0};
    auto sink = stage([&](Input<int> in) noexcept {
        for ([[maybe_unused]] int x : in) ++seen;
        ++ends;
    });
    try {
        fuse({.workers = 2, .name = "f"}, failing_at(20) | sink).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(without_worker(e.what()) == no_more);
        CHECK(e.stage() == "f.source");
        CHECK_THROWS_AS(e.rethrow_cause(), std::runtime_error);
    }
    CHECK(seen == 20);
    CHECK(ends == 2);
}

TEST_CASE("what a stage still yields that cannot be unwound comes before the error of its fused range",
          "[fuse][range_in_turn]") {
    auto words = stage([](Input<int> in) noexcept {
        std::vector<std::string> all;
        for (int x : in) all.push_back("a word that is too long for the string itself: " + std::to_string(x));
        return all;
    });
    std::vector<std::string> seen;
    try {
        for (std::string& word : fuse({.name = "f"}, failing_at(3) | words).results(inline_run))
            seen.push_back(std::move(word));
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.stage() == "f.source");
    }
    CHECK(seen.size() == 3);
}

TEST_CASE("an error after a fused range stops its reading", "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const bool ordered = GENERATE(false, true);
    auto fails = gen([](Input<int> in) -> Range {
        for (int x : in) {
            if (x == 50) throw std::invalid_argument("bad item");
            co_yield x;
        }
    });
    for (const bool inlined : {false, true}) {
        const auto fused = fuse({.workers = workers, .ordered = ordered}, counted_to(endless) | fails);
        const Outcome outcome = run(fused, inlined);
        CHECK(outcome.text.find("std::invalid_argument: bad item") != outcome.text.npos);
        if (ordered || inlined || workers == 1) CHECK(outcome.items == up_to(50));
    }
    // Lost one by one: what is not read stays unread.
    auto worker_fails = gen([](Input<int> in) -> Range {
        int left = 5;
        for (int x : in) {
            if (left-- == 0) throw std::runtime_error("tired");
            co_yield x;
        }
    });
    for (const bool inlined : {false, true}) {
        const auto fused =
            fuse({.workers = workers, .ordered = ordered, .on_error = OnError::finish},
                 counted_to(endless) | worker_fails);
        const Outcome outcome = run(fused, inlined);
        CHECK(outcome.items.size() == 5 * workers);
        CHECK(outcome.text.find("tired") != outcome.text.npos);
    }
}

TEST_CASE("a fused range can be read by several runs if it can be read again",
          "[fuse][range_in_turn]") {
    const std::vector<int> kept = up_to(100);
    const std::vector<Stage<void, int>> again = {
        fuse({.workers = 2}, kept | plus_one()),
        fuse({.workers = 2}, up_to(100) | plus_one())};
    for (const auto& fused : again) {
        auto one = fused.results();
        auto other = fused.results();
        CHECK(outcome_of(std::move(one)).items.size() == 100);
        CHECK(outcome_of(std::move(other)).items.size() == 100);
        CHECK(listed(fused | pass()).size() == 100);
    }
    const auto once = fuse({.workers = 2}, counted_to(10) | pass());
    CHECK(listed(once).size() == 10);
    CHECK_THROWS_AS(once.results(), std::logic_error);
    CHECK_THROWS_AS(once.results(inline_run), std::logic_error);
}

TEST_CASE("a fused stage that has a range can be fused again, and the range is read once",
          "[fuse][range_in_turn]") {
    const auto inner = fuse({.workers = 2}, counted_to(100) | plus_one());
    CHECK(sorted(fuse({.workers = 3}, inner | plus_one())).size() == 100);
    CHECK(listed(fuse(fuse(up_to(10) | pass()))) == up_to(10));
    CHECK(listed(up_to(10) | fuse(pass() | pass())) == up_to(10));
}

TEST_CASE("stages that want no more end a run with a fused range", "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 3U);
    CHECK(listed(fuse({.workers = workers}, counted_to(endless) | pass()) | take(10)).size() == 10);
    auto first_five = gen([](Input<int> in) -> Range {
        int left = 5;
        for (int x : in) {
            co_yield x;
            if (--left == 0) co_return;
        }
    });
    const auto fused = fuse({.workers = workers}, counted_to(endless) | pass() | first_five);
    CHECK(sorted(fused) == up_to(5 * static_cast<int>(workers)));
}

TEST_CASE("a run with a fused range leaves nothing over, however it ends",
          "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 3U);
    Tally tally;
    const auto numbers = [&]() -> generator<Counted> {
        for (int i = 0; i < endless; ++i) co_yield Counted(tally, i);
    };
    const auto none = filter([](const Counted&) { return false; });
    const auto some = filter([](const Counted& x) { return x.value % 10 != 0; });
    const Setup setup{.workers = workers, .qsize = 4};
    {
        int seen = 0;
        for ([[maybe_unused]] const Counted& x : fuse(setup, numbers() | some).results())
            if (++seen == 50) break;
        CHECK(seen == 50);
    }
    CHECK(tally.alive == 0);
    {
        auto results = fuse(setup, numbers() | none).results();
        CHECK(comes_true([&] { return tally.moves > 100; }));
        results.cancel();
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    CHECK(tally.alive == 0);
    {
        std::stop_source stop;
        bool has_moved = false;
        std::jthread stops([&] {
            has_moved = comes_true([&] { return tally.moves > 100; });
            stop.request_stop();
        });
        CHECK_THROWS_AS(fuse(setup, numbers() | none).results(stop.get_token()).begin() ==
                            std::default_sentinel,
                        CancelledError);
        stops.join();
        CHECK(has_moved);
    }
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("a fused range that waits can ask whether it is still needed", "[fuse][range_in_turn]") {
    std::latch waits(1);
    const auto numbers = [&]() -> Range {
        co_yield 0;
        waits.count_down();
        std::binary_semaphore stopped(0);
        const std::stop_callback wake(this_worker::stop_token(), [&] { stopped.release(); });
        stopped.acquire();
        co_yield 1;
    };
    auto results = fuse({.workers = 3}, numbers() | pass()).results();
    waits.wait();
    results.cancel();
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("inside a fused range this_worker names the worker that reads it", "[fuse][range_in_turn]") {
    std::mutex mutex;
    std::vector<std::string> names;
    const auto numbers = [&]() -> Range {
        for (int i = 0; i < 100; ++i) {
            {
                const std::lock_guard lock(mutex);
                names.push_back(std::string(this_worker::stage_name()) + '-' +
                                std::to_string(this_worker::index()));
            }
            co_yield i;
        }
    };
    const bool inlined = GENERATE(false, true);
    const auto fused = fuse({.workers = 2, .name = "f"}, numbers() | pass());
    run(fused, inlined);
    CHECK(names.size() == 100);
    for (const std::string& name : names) CHECK((name == "f.source-0" || name == "f.source-1"));
}

TEST_CASE("statistics know what was taken from a fused range", "[fuse][range_in_turn]") {
    const auto fused = fuse({.workers = 3, .name = "f"}, up_to(200) | repeated());
    for (const Outcome& outcome :
         {outcome_of(fused.results()), outcome_of(fused.results(inline_run))}) {
        CHECK(outcome.stats.stages.size() == 1);
        CHECK(outcome.stats.stages.front().items_in == 200);
        CHECK(outcome.stats.stages.front().items_out == outcome.items.size());
    }
}

TEST_CASE("wherever an item of a fused range fails to move, the run ends and nothing is left",
          "[fuse][range_in_turn]") {
    const std::size_t workers = GENERATE(1U, 3U);
    for (long steps = 1; steps < 60; steps += 3) {
        Fuse fuse_of_items(steps);
        const auto numbers = [&]() -> generator<Fragile> {
            for (int i = 0; i < 10; ++i) co_yield Fragile(fuse_of_items, i);
        };
        auto forward = stage([](Input<Fragile> in) -> generator<Fragile> {
            for (Fragile& x : in) co_yield std::move(x);
        });
        int seen = 0;
        bool failed = false;
        try {
            for ([[maybe_unused]] const Fragile& x :
                 fuse({.workers = workers, .qsize = 2}, numbers() | forward).results())
                ++seen;
        } catch (const TaskException&) {
            failed = true;
        }
        CHECK(failed == (fuse_of_items.left == 0));
        CHECK((failed || seen == 10));
        CHECK(fuse_of_items.alive == 0);
    }
}

}  // namespace range_in_turn_tests
