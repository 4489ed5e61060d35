#include <parallelpipe/fuse.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// fuse(): several stages that run as one, in one thread per worker.
namespace fuse_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::listed;
using support::Outcome;
using support::outcome_of;
using support::sorted;
using support::Tally;
using support::up_to;

namespace {

// Most tests share one type for each kind of stage function, which saves compile time.
using Generator = std::function<generator<int>(Input<int>)>;
using Map = std::function<int(int)>;
using Eager = std::function<std::vector<int>(Input<int>)>;
using Chain = Pipeline<int, int>;

Stage<int, int> gen(Generator f) { return Stage<int, int>(std::move(f)); }
// A chain of only these is compiled as one function, unless it is stored as a Chain, which hides its types.
auto map(Map f) { return map_stage(std::move(f)); }

generator<int> pass_on(Input<int> in) {
    for (int x : in) co_yield x;
}
Stage<int, int> pass() { return gen(pass_on); }

Stage<int, int> odd_ones() {
    return gen([](Input<int> in) -> generator<int> {
        for (int x : in)
            if (x % 2 != 0) co_yield x;
    });
}
Stage<int, int> repeated() {
    return gen([](Input<int> in) -> generator<int> {
        for (int x : in)
            for (int i = 0; i < x % 4; ++i) co_yield 10 * x + i;
    });
}
auto plus_one() {
    return map([](int x) { return x + 1; });
}
Stage<int, int> first(int n) {
    return gen([n](Input<int> in) -> generator<int> {
        int left = n;
        for (int x : in) {
            co_yield x;
            if (--left == 0) co_return;
        }
    });
}
/// A stage that reads all its items before it yields a result.
Stage<int, int> backwards() {
    return Stage<int, int>(Eager([](Input<int> in) {
        std::vector<int> all;
        for (int x : in) all.push_back(x);
        std::reverse(all.begin(), all.end());
        return all;
    }));
}
Generator failing_at(int bad) {
    return [bad](Input<int> in) -> generator<int> {
        for (int x : in) {
            if (x == bad) throw std::runtime_error("bad item");
            co_yield x;
        }
    };
}
Map map_failing_at(int bad) {
    return [bad](int x) {
        if (x == bad) throw std::runtime_error("bad item");
        return x;
    };
}

/// A source of 0, 1, ... `end` - 1.
Stage<void, int> numbers(int end) {
    return Stage<void, int>(
        [](int n) -> generator<int> {
            for (int i = 0; i < n; ++i) co_yield i;
        },
        end);
}

constexpr int endless = 2'000'000'000;

struct Guard {
    std::atomic<int>* alive;
    explicit Guard(std::atomic<int>& count) : alive(&count) { ++*alive; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { --*alive; }
};

/// A stage that passes its items on and counts its coroutine frames.
Stage<int, int> guarded(std::atomic<int>& alive) {
    return gen([&alive](Input<int> in) -> generator<int> {
        const Guard guard(alive);
        for (int x : in) co_yield x;
    });
}

}  // namespace

TEST_CASE("a fused chain has the results of the same chain with threads", "[fuse]") {
    const std::vector<Chain> chains = {
        pass(),
        plus_one() | plus_one() | plus_one(),
        plus_one() | odd_ones() | plus_one(),
        odd_ones() | repeated(),
        repeated() | plus_one() | repeated() | odd_ones(),
        plus_one() | filter([](int x) { return x % 3 != 0; }) | pass(),
        plus_one() | flat_map([](int x) {
            return std::vector<int>{x, -x};
        }) | plus_one(),
    };
    for (const Chain& chain : chains) {
        const std::vector<int> expected = listed(numbers(300) | chain);
        CHECK(listed(numbers(300) | fuse(chain)) == expected);
        CHECK(listed(numbers(300) | fuse({.workers = 4, .qsize = 3, .ordered = true}, chain)) ==
              expected);
        std::vector<int> unordered = sorted(numbers(300) | fuse({.workers = 3}, chain));
        CHECK(unordered == sorted(numbers(300) | chain));
    }
}

TEST_CASE("a fused chain with stages that return early or read all items first has the same results",
          "[fuse]") {
    const std::vector<Chain> chains = {
        plus_one() | first(7),
        first(7) | plus_one(),
        first(50) | backwards(),
        plus_one() | take(20) | backwards() | plus_one(),
        plus_one() | first(20) | first(3) | repeated(),
        plus_one() | first(100) | reduce(0, std::plus<>()),
    };
    for (const Chain& chain : chains) {
        const std::vector<int> expected = listed(numbers(300) | chain);
        CHECK(listed(numbers(300) | fuse(chain)) == expected);
        // The stages before it are unwound, and the run ends.
        CHECK(listed(numbers(endless) | fuse(chain)) == expected);
    }
}

TEST_CASE("all stages of a fused stage process an item in one thread, as one worker", "[fuse]") {
    struct Place {
        std::thread::id thread;
        std::size_t worker = 0;
    };
    std::vector<Place> places(500);
    std::atomic<int> elsewhere{0};
    auto note = map([&](int x) {
        places[static_cast<std::size_t>(x)] = {std::this_thread::get_id(), this_worker::index()};
        return x;
    });
    auto compare = gen([&](Input<int> in) -> generator<int> {
        for (int x : in) {
            const Place& before = places[static_cast<std::size_t>(x)];
            if (before.thread != std::this_thread::get_id()) ++elsewhere;
            if (before.worker != this_worker::index()) ++elsewhere;
            co_yield x;
        }
    });
    // The settings `workers` of the stages inside have no effect.
    auto fused =
        fuse({.workers = 3}, note.setup({.workers = 5}) | compare.setup({.workers = 2}) | compare);
    CHECK(sorted(numbers(500) | fused) == up_to(500));
    CHECK(elsewhere == 0);
}

TEST_CASE("items convert between the stages of a fused stage, and at its ends", "[fuse]") {
    auto text = map_stage([](int x) { return x % 2 == 0 ? "even" : "odd"; });
    auto length = map_stage([](const std::string& s) { return s.size(); });
    auto half = stage([](Input<double> in) -> generator<double> {
        for (double x : in) co_yield x / 2;
    });
    const auto pipe = std::vector<short>{1, 2, 3, 4} | fuse(text | length | half) |
                      map_stage([](long double x) { return static_cast<int>(x * 10); });
    CHECK(listed(pipe) == std::vector<int>{15, 20, 15, 20});
}

TEST_CASE("a chain that ends in a sink can be fused", "[fuse]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::atomic<long> sum{0};
    const auto add = for_each([&sum](int x) { sum += x; });
    (numbers(100) | fuse({.workers = workers}, plus_one() | odd_ones() | add)).execute();
    CHECK(sum == 2500);
    (numbers(100) | fuse({.workers = workers}, add)).execute();
    CHECK(sum == 2500 + 4950);
}

TEST_CASE("a source can be fused with the stages after it, and runs once for each worker", "[fuse]") {
    const auto fused = fuse({.workers = 3}, numbers(50) | plus_one() | odd_ones());
    std::vector<int> expected;
    for (int x = 1; x <= 50; x += 2) expected.insert(expected.end(), 3, x);
    CHECK(sorted(fused) == expected);
    CHECK(sorted(fused) == expected);
    CHECK(listed(fuse(numbers(5))) == up_to(5));
    std::atomic<int> seen{0};
    fuse({.workers = 2}, numbers(50) | for_each([&seen](int) { ++seen; })).execute();
    CHECK(seen == 100);
}

TEST_CASE("a fused stage refuses settings that it cannot have", "[fuse]") {
    CHECK_THROWS_AS(fuse({.workers = 0}, plus_one() | pass()), std::invalid_argument);
    CHECK_THROWS_AS(fuse({.on_error = OnError::skip}, plus_one() | pass()), std::invalid_argument);
}

TEST_CASE("an exception is reported with the name of the stage inside", "[fuse]") {
    const Chain named = pass() | gen(failing_at(5)).setup({.name = "check"});
    const Chain unnamed = pass() | gen(failing_at(5)) | plus_one();
    CHECK(outcome_of(numbers(10) | fuse({.name = "outer"}, named)).text ==
          "The task \"check-0\" raised std::runtime_error: bad item");
    CHECK(outcome_of(numbers(10) | fuse({.name = "outer"}, unnamed)).text ==
          "The task \"outer.stage_1-0\" raised std::runtime_error: bad item");
    CHECK(outcome_of(numbers(10) | fuse(unnamed)).text ==
          "The task \"stage_1.stage_1-0\" raised std::runtime_error: bad item");
    CHECK(outcome_of(numbers(10) | fuse(fuse({.name = "inner"}, unnamed) | pass())).text ==
          "The task \"inner.stage_1-0\" raised std::runtime_error: bad item");
    CHECK(outcome_of(numbers(10) | fuse({.name = "outer"}, pass() | map(map_failing_at(5)))).text ==
          "The task \"outer.stage_1-0\" raised std::runtime_error: bad item");
    CHECK(outcome_of(numbers(10) | fuse({.name = "outer"}, map(map_failing_at(5)))).text ==
          "The task \"outer.stage_0-0\" raised std::runtime_error: bad item");
}

TEST_CASE("an error of a fused stage has its name, its worker and its cause", "[fuse]") {
    try {
        (numbers(10) | fuse({.workers = 2}, pass() | gen(failing_at(5)).setup({.name = "check"})))
            .execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.stage() == "check");
        CHECK(e.worker() < 2);
        CHECK(e.task() == "check-" + std::to_string(e.worker()));
        CHECK_THROWS_AS(e.rethrow_cause(), std::runtime_error);
        CHECK_FALSE(e.errors().front().item());
    }
}

TEST_CASE("an error in an ordered fused stage comes after exactly the results before it",
          "[fuse]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U);
    const std::size_t qsize = GENERATE(1U, 1024U);
    const std::vector<Chain> chains = {
        gen(failing_at(100)) | pass(),
        plus_one() | gen(failing_at(101)) | map([](int x) { return x - 1; }),
        map([](int x) { return x; }) | map(map_failing_at(100)),
        map([](int x) { return x; }) | fuse(map([](int x) { return x; }) | gen(failing_at(100))),
        pass() | gen(failing_at(100)),
        gen(failing_at(100)) | plus_one() | map([](int x) { return x - 1; }),
        map(map_failing_at(100)) | pass(),
        pass() | pass() | map(map_failing_at(100)),
    };
    for (std::size_t i = 0; i < chains.size(); ++i) {
        INFO("chain " << i << ", " << workers << " workers");
        const Outcome outcome =
            outcome_of(numbers(endless) |
                       fuse({.workers = workers, .qsize = qsize, .ordered = true}, chains[i]));
        CHECK(outcome.items == up_to(100));
        CHECK(outcome.failed_at == 100);
    }
}

TEST_CASE("the results of a map before its error leave a fused stage", "[fuse]") {
    CHECK(outcome_of(numbers(200) | fuse(map(map_failing_at(100)) | plus_one())).items.size() ==
          100);
    CHECK(outcome_of(numbers(200) | fuse(plus_one() | map(map_failing_at(100)))).items.size() ==
          99);
}

TEST_CASE("with OnError::finish the failing worker of a fused stage is lost and the others continue",
          "[fuse]") {
    const bool ordered = GENERATE(false, true);
    Outcome outcome = outcome_of(
        numbers(300) | fuse({.workers = 3, .ordered = ordered, .on_error = OnError::finish},
                            pass() | gen(failing_at(100)) | plus_one()));
    CHECK(outcome.text.find("bad item") != std::string::npos);
    std::vector<int> expected = up_to(301);
    expected.erase(expected.begin() + 101);
    expected.erase(expected.begin());
    if (!ordered) std::sort(outcome.items.begin(), outcome.items.end());
    CHECK(outcome.items == expected);
}

TEST_CASE("skip, retry and dead_letter of the stages inside count as those of the fused stage",
          "[fuse]") {
    const auto odd_fails = [](int x) {
        if (x % 2 != 0) throw std::runtime_error("odd");
        return x;
    };
    std::atomic<int> lost{0};
    auto skipping = map(odd_fails).setup({.on_error = OnError::skip});
    auto handing = map([](int x) {
                       if (x % 4 == 0) throw std::runtime_error("fourth");
                       return x;
                   })
                       .setup({.retry = Retry{.times = 2, .backoff = std::chrono::nanoseconds(0)}})
                       .dead_letter([&lost](std::exception_ptr, int& x) { lost += x; });
    const bool ordered = GENERATE(false, true);
    Outcome outcome = outcome_of(
        numbers(100) | fuse({.workers = 2, .ordered = ordered}, skipping | pass() | handing));
    CHECK(outcome.text.empty());
    std::vector<int> expected;
    for (int x = 2; x < 100; x += 4) expected.push_back(x);
    if (!ordered) std::sort(outcome.items.begin(), outcome.items.end());
    CHECK(outcome.items == expected);
    CHECK(lost == 25 * 48);
    REQUIRE(outcome.stats.stages.size() == 2);
    CHECK(outcome.stats.stages[1].skipped == 50 + 25);
    CHECK(outcome.stats.stages[1].failed == 50 + 25);
    CHECK(outcome.stats.stages[1].retried == 50);
}

TEST_CASE("inside a fused stage this_worker names the stage inside", "[fuse]") {
    std::array<std::string, 3> names;
    std::array<std::size_t, 3> workers{9, 9, 9};
    const auto note = [&](std::size_t which) {
        return [&, which](Input<int> in) -> generator<int> {
            for (int x : in) {
                names[which] = this_worker::stage_name();
                workers[which] = this_worker::index();
                co_yield x;
                if (names[which] != this_worker::stage_name()) names[which] = "changed";
            }
        };
    };
    auto fused = fuse({.name = "outer"},
                      gen(note(0)) | gen(note(1)).setup({.name = "named"}) | gen(note(2)));
    CHECK(listed(numbers(10) | fused) == up_to(10));
    CHECK(names == std::array<std::string, 3>{"outer.stage_0", "named", "outer.stage_2"});
    CHECK(workers == std::array<std::size_t, 3>{0, 0, 0});
}

TEST_CASE("a chain of per-item stages behaves the same with known and with hidden types",
          "[fuse]") {
    const auto even = filter({.name = "even"}, [](int x) { return x % 2 == 0; });
    std::atomic<int> shown{0};
    const auto show = tap([&shown](int) { ++shown; });
    const auto known = plus_one() | even | show | plus_one() | map([](int x) { return 3 * x; });
    const Chain forgotten = known;
    const std::vector<int> expected = listed(numbers(200) | forgotten);
    CHECK(shown == 100);
    const auto fused = fuse(known);
    CHECK(listed(numbers(200) | fused) == expected);
    CHECK(listed(numbers(200) | fuse(forgotten)) == expected);
    CHECK(listed(numbers(200) | fuse({.workers = 3, .ordered = true}, known)) == expected);
    CHECK(listed(numbers(200) | fuse(pass() | fused | pass())) == expected);
    CHECK(listed(numbers(200) | fuse(pass() | fused)) == expected);
    std::vector<int> inline_items;
    for (int x : (numbers(200) | fused).results(inline_run)) inline_items.push_back(x);
    CHECK(inline_items == expected);
    // A later assignment replaces the stages, although the type of the variable stays.
    auto changed = plus_one() | plus_one();
    changed = known;
    CHECK(listed(numbers(200) | fuse(changed)) == expected);
    changed = gen(failing_at(7)) | plus_one();
    CHECK(outcome_of(numbers(200) | fuse(changed)).items.size() == 7);
}

TEST_CASE("a stage in a chain whose types are known has its name, its policy and its errors",
          "[fuse]") {
    std::string first_name, last_name;
    const auto first_one = map([&](int x) {
        first_name = this_worker::stage_name();
        return x;
    });
    const auto last_one = map([&](int x) {
        last_name = this_worker::stage_name();
        return x;
    });
    const auto bad = map(map_failing_at(5));
    const auto outer = [](auto chain) {
        return outcome_of(numbers(10) | fuse({.name = "outer"}, chain));
    };
    const Outcome named = outer(first_one | map(map_failing_at(5)).setup({.name = "check"}) | last_one);
    CHECK(named.text == "The task \"check-0\" raised std::runtime_error: bad item");
    CHECK(named.items == up_to(5));
    CHECK(named.stats.stages[1].failed == 1);
    CHECK(first_name == "outer.stage_0");
    CHECK(last_name == "outer.stage_2");
    CHECK(outer(plus_one() | bad).text ==
          "The task \"outer.stage_1-0\" raised std::runtime_error: bad item");
    CHECK(outer(bad | plus_one()).text ==
          "The task \"outer.stage_0-0\" raised std::runtime_error: bad item");
    CHECK(outer(plus_one() | map(map_failing_at(5)).setup({.on_error = OnError::skip}) | plus_one())
              .items == std::vector<int>{2, 3, 4, 5, 7, 8, 9, 10, 11});
    int lost = 0;
    const Outcome handed =
        outer(map(map_failing_at(5))
                  .setup({.retry = Retry{.times = 3, .backoff = std::chrono::nanoseconds(0)}})
                  .dead_letter([&lost](std::exception_ptr, int& x) { lost = x; }) |
              plus_one());
    CHECK(lost == 5);
    CHECK(handed.items.size() == 9);
    CHECK(handed.stats.stages[1].retried == 3);
    const Outcome thrown = outer(map(map_failing_at(5)).dead_letter([](std::exception_ptr, int&) {
        throw std::logic_error("no letters today");
    }) | plus_one());
    CHECK(thrown.text ==
          "The task \"outer.stage_0-0\" raised std::logic_error: no letters today");
    // Inside another fused stage, and without threads.
    const auto inner = fuse({.name = "inner"}, plus_one() | bad);
    CHECK(outer(pass() | inner | pass()).text ==
          "The task \"inner.stage_1-0\" raised std::runtime_error: bad item");
    auto results = (numbers(10) | inner).results(inline_run);
    CHECK_THROWS_WITH(std::ranges::for_each(results, [](int) {}),
                      "The task \"inner.stage_1-0\" raised std::runtime_error: bad item");
}

TEST_CASE("an error after a chain with known types is not reported as its last stage's",
          "[fuse]") {
    struct Fragile {
        int value;
        int moves = 0;
        explicit Fragile(int v) : value(v) {}
        Fragile(Fragile&& other) : value(other.value), moves(other.moves + 1) {
            if (value == 5 && moves == 2) throw std::runtime_error("cannot be moved");
        }
        Fragile& operator=(Fragile&&) = delete;
    };
    const auto whole = map([](int x) { return x; }) |
                       map_stage([](int x) { return std::make_unique<Fragile>(x); }) |
                       map_stage([](std::unique_ptr<Fragile>&& x) -> Fragile&& { return std::move(*x); });
    // The first move creates the result of the last stage, the next one moves it into the queue.
    auto results = (numbers(10) | fuse({.name = "outer"}, whole)).results();
    std::string text;
    int seen = 0;
    try {
        for (const Fragile& x : results) seen += x.value < 5 ? 1 : 100;
    } catch (const TaskException& e) {
        text = e.what();
    }
    CHECK(seen == 5);
    CHECK(text == "The task \"outer-0\" raised std::runtime_error: cannot be moved");
}

TEST_CASE("an exception from moving a result out of a chain with a policy is reported unchanged", "[fuse]") {
    struct Fragile {
        int value;
        explicit Fragile(int v) : value(v) {}
        Fragile(Fragile&& other) : value(other.value) {
            if (value == 5) throw std::runtime_error("cannot be moved");
        }
        Fragile& operator=(Fragile&&) = delete;
    };
    const auto whole = map_stage({.retry = Retry{.times = 1}}, [](int x) { return x; }) |
                       map_stage([](int x) { return Fragile(x); });
    std::string text;
    try {
        for ([[maybe_unused]] const Fragile& x : (numbers(10) | fuse(whole)).results()) {
        }
    } catch (const TaskException& e) {
        text = e.what();
    }
    CHECK(text.find("raised std::runtime_error: cannot be moved") != std::string::npos);
}

TEST_CASE("fused stages can be fused again", "[fuse]") {
    const Chain plain = plus_one() | odd_ones() | repeated() | plus_one();
    const auto fused = fuse(fuse(plus_one() | odd_ones()) | fuse(repeated() | fuse(plus_one())));
    CHECK(listed(numbers(200) | fused) == listed(numbers(200) | plain));
    CHECK(listed(numbers(200) | fuse({.workers = 3, .ordered = true}, fused)) ==
          listed(numbers(200) | plain));
    CHECK(listed(numbers(endless) | fuse(fuse(plus_one() | first(5)) | plus_one())) ==
          std::vector<int>{2, 3, 4, 5, 6});
}

TEST_CASE("a stage that catches everything does not swallow the error of another one inside",
          "[fuse]") {
    const bool in_map = GENERATE(false, true);
    const bool goes_on = GENERATE(false, true);
    auto swallowing = gen([goes_on](Input<int> in) -> generator<int> {
        try {
            for (int x : in) co_yield x;
        } catch (...) {
        }
        if (goes_on) co_yield -1;
    });
    const Chain chain = in_map ? map(map_failing_at(50)) | swallowing
                               : gen(failing_at(50)).setup({.name = "bad"}) | swallowing;
    for (const bool nested : {false, true}) {
        const Outcome outcome =
            outcome_of(numbers(100) | (nested ? fuse(fuse(chain)) : fuse(chain)));
        CHECK(outcome.text.find("bad item") != std::string::npos);
        CHECK(outcome.text.starts_with("The task"));
        CHECK(std::find(outcome.items.begin(), outcome.items.end(), 50) == outcome.items.end());
    }
}

TEST_CASE("an item leaves a fused stage at once, while the next one is waited for", "[fuse]") {
    const std::size_t workers = GENERATE(1U, 2U);
    const bool ordered = GENERATE(false, true);
    std::counting_semaphore<> seen(0);
    auto source = stage([&seen]() -> generator<int> {
        for (int i = 0; i < 20; ++i) {
            co_yield i;
            seen.acquire();
        }
    });
    const std::vector<Chain> chains = {
        plus_one() | plus_one(),
        pass() | plus_one() | pass(),
        plus_one() | fuse(pass() | plus_one()),
    };
    for (const Chain& chain : chains) {
        int results = 0;
        for ([[maybe_unused]] int x :
             (source | fuse({.workers = workers, .ordered = ordered}, chain)).results()) {
            ++results;
            seen.release();
        }
        CHECK(results == 20);
    }
}

TEST_CASE("an item passes all stages of a fused stage before the next item is taken", "[fuse]") {
    // A generator inside buffers nothing: one item is in flight at a time.
    std::atomic<int> under_way{0};
    std::atomic<int> peak{0};
    auto begin = gen([&](Input<int> in) -> generator<int> {
        for (int x : in) {
            peak = std::max(peak.load(), ++under_way);
            co_yield x;
        }
    });
    auto end = gen([&](Input<int> in) -> generator<int> {
        for (int x : in) {
            --under_way;
            co_yield x;
        }
    });
    CHECK(listed(numbers(100) | fuse(begin | pass() | end)).size() == 100);
    CHECK(peak == 1);
}

TEST_CASE("however a run with a fused stage is left, all frames inside are destroyed", "[fuse]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::atomic<int> alive{0};
    const auto pipe = numbers(endless) | fuse({.workers = workers, .qsize = 4},
                                              guarded(alive) | plus_one() | guarded(alive));
    {
        int seen = 0;
        for ([[maybe_unused]] int x : pipe.results())
            if (++seen == 50) break;
        CHECK(seen == 50);
    }
    CHECK(alive == 0);
    {
        auto results = pipe.results();
        CHECK(comes_true([&] { return alive >= 2; }));
        results.cancel();
        CHECK(alive == 0);
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    {
        std::stop_source stop;
        int seen = 0;
        CHECK_THROWS_AS(
            [&] {
                for ([[maybe_unused]] int x : pipe.results(stop.get_token()))
                    if (++seen == 20) stop.request_stop();
            }(),
            CancelledError);
    }
    CHECK(alive == 0);
    CHECK_THROWS_AS((pipe | gen(failing_at(30))).execute(), TaskException);
    CHECK(alive == 0);
    CHECK(listed(pipe | first(10)).size() == 10);
    CHECK(alive == 0);
}

TEST_CASE("a stop wakes a fused stage that waits in a stage inside or for its next item", "[fuse]") {
    std::atomic<int> alive{0};
    std::latch waits(1);
    auto silent = gen([&](Input<int>) -> generator<int> {
        co_yield 1;
        waits.count_down();
        std::binary_semaphore stopped(0);
        const std::stop_callback wake(this_worker::stop_token(), [&] { stopped.release(); });
        stopped.acquire();
    });
    {
        auto results =
            (numbers(10) | fuse(guarded(alive) | silent | plus_one() | guarded(alive))).results();
        waits.wait();
        results.cancel();
        CHECK(alive == 0);
    }
    auto results = (numbers(endless) | gen([](Input<int> in) -> generator<int> {
                        for (int x : in)
                            if (x < 3) co_yield x;
                    }) |
                    fuse(guarded(alive) | plus_one() | guarded(alive)))
                       .results();
    auto at = results.begin();
    for (int i = 0; i < 3; ++i, ++at) CHECK(*at == i + 1);
    results.cancel();
    CHECK(alive == 0);
}

TEST_CASE("items move through a fused stage and none leaks", "[fuse]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const int leave_at = GENERATE(40, 1000);
    Tally tally;
    auto source = stage([&tally]() -> generator<Counted> {
        for (int i = 0; i < 200; ++i) co_yield Counted(tally, i);
    });
    auto forward = map_stage([](Counted&& x) { return std::move(x); });
    auto own = map_stage([](Counted x) { return std::make_unique<Counted>(std::move(x)); });
    auto check =
        stage([](Input<std::unique_ptr<Counted>> in) -> generator<std::unique_ptr<Counted>> {
            for (auto& x : in)
                if (x->value % 10 != 0) co_yield std::move(x);
        });
    int seen = 0;
    for (const auto& x : (source | fuse({.workers = workers}, forward | own | check)).results()) {
        static_cast<void>(x);
        if (++seen == leave_at) break;
    }
    CHECK(seen == std::min(leave_at, 180));
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("a fused stage can have a key", "[fuse][partition_by]") {
    std::array<std::atomic<int>, 7> owners{};
    std::atomic<int> strangers{0};
    auto note = gen([&](Input<int> in) -> generator<int> {
        for (int x : in) {
            const int me = static_cast<int>(this_worker::index()) + 1;
            int owner = 0;
            if (!owners[static_cast<std::size_t>(x % 7)].compare_exchange_strong(owner, me) &&
                owner != me)
                ++strangers;
            co_yield x;
        }
    });
    auto fused = fuse({.workers = 3, .ordered = true}, pass() | note);
    fused.partition_by([](int x) { return x % 7; });
    CHECK(listed(numbers(300) | fused) == up_to(300));
    CHECK(strangers == 0);
}

TEST_CASE("a fused pipeline runs again, and several times at once", "[fuse]") {
    const auto pipe =
        numbers(300) | fuse({.workers = 2, .ordered = true}, plus_one() | odd_ones() | repeated());
    const std::vector<int> expected = listed(pipe);
    CHECK(listed(numbers(300) | plus_one() | odd_ones() | repeated()) == expected);
    std::atomic<int> equal{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int run = 0; run < 2; ++run)
                if (listed(pipe) == expected) ++equal;
        });
    threads.clear();
    CHECK(equal == 6);
}

TEST_CASE("a result of a map inside a fused stage leaves before the map processes the next item",
          "[fuse]") {
    const std::size_t workers = GENERATE(1U, 2U);
    std::atomic<int> seen{0};
    std::atomic<int> late{0};
    auto wait = map([&](int x) {
        if (!comes_true([&] { return late != 0 || seen >= x; })) ++late;
        return x;
    });
    std::latch full(1);
    auto source = stage({.qsize = 0}, [&full]() -> generator<int> {
        for (int i = 0; i < 8; ++i) co_yield i;
        full.count_down();
    });
    auto hold = gen([&full](Input<int> in) -> generator<int> {
        full.wait();
        for (int x : in) co_yield x;
    });
    for ([[maybe_unused]] int x :
         (source | hold.setup({.qsize = 0}) |
          fuse({.workers = workers, .ordered = true}, wait | plus_one()))
             .results())
        ++seen;
    CHECK(seen == 8);
    CHECK(late == 0);
}

}  // namespace fuse_tests
