#include <parallelpipe/runnable.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// inline_run: a pipeline that runs in the calling thread.
namespace inline_run_tests {

using namespace parallelpipe;
using support::Counted;
using support::Outcome;
using support::outcome_of;
using support::Tally;
using support::up_to;

namespace {

// Most tests share one type for each kind of stage function, which saves compile time.
using Generator = std::function<generator<int>(Input<int>)>;
using Source = std::function<generator<int>()>;
using Map = std::function<int(int)>;
using Sink = std::function<void(Input<int>)>;
using Pipe = Pipeline<void, int>;

Stage<int, int> gen(Generator f) { return Stage<int, int>(std::move(f)); }
Stage<void, int> source(Source f) { return Stage<void, int>(std::move(f)); }
ItemStage<int, int> map(Map f) { return map_stage(std::move(f)); }

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
ItemStage<int, int> plus_one() {
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
Stage<int, int> sum() {
    return gen([](Input<int> in) -> generator<int> {
        int total = 0;
        for (int x : in) total += x;
        co_yield total;
    });
}
Stage<int, int> failing_at(int bad) {
    return gen([bad](Input<int> in) -> generator<int> {
        for (int x : in) {
            if (x == bad) throw std::runtime_error("bad item");
            co_yield x;
        }
    });
}
Map map_failing_at(int bad) {
    return [bad](int x) {
        if (x == bad) throw std::runtime_error("bad item");
        return x;
    };
}

/// A source of 0, 1, ... `end` - 1.
Stage<void, int> numbers(int end) {
    return source([end]() -> generator<int> {
        for (int i = 0; i < end; ++i) co_yield i;
    });
}

constexpr int endless = 2'000'000'000;

Outcome threaded(const Pipe& pipe) { return outcome_of(pipe.results()); }
Outcome inlined(const Pipe& pipe) { return outcome_of(pipe.results(inline_run)); }

std::vector<int> listed(const Pipe& pipe) { return inlined(pipe).items; }

void check_same_statistics(const Statistics& left, const Statistics& right) {
    REQUIRE(left.stages.size() == right.stages.size());
    for (std::size_t i = 0; i < left.stages.size(); ++i) {
        CHECK(left.stages[i].name == right.stages[i].name);
        CHECK(left.stages[i].workers == right.stages[i].workers);
        CHECK(left.stages[i].skipped == right.stages[i].skipped);
        CHECK(left.stages[i].retried == right.stages[i].retried);
        CHECK(left.stages[i].failed == right.stages[i].failed);
    }
}

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

const Retry at_once{.times = 2, .backoff = std::chrono::nanoseconds(0)};

}  // namespace

static_assert(std::is_same_v<decltype(numbers(1).results(inline_run)), Results<int>>);

TEST_CASE("an inline run has the results and the statistics of a run with threads",
          "[inline_run]") {
    const auto odd_fails = [](int x) {
        if (x % 2 != 0) throw std::runtime_error("odd");
        return x;
    };
    const std::vector<int> owned = up_to(50);
    const std::vector<Pipe> pipes = {
        numbers(0),
        numbers(100),
        numbers(100) | plus_one() | odd_ones() | repeated() | pass(),
        owned | plus_one() | repeated(),
        up_to(50) | odd_ones(),
        numbers(100) | plus_one().setup({.workers = 4, .ordered = true}) | repeated(),
        numbers(100) | repeated().setup({.workers = 3, .qsize = 1, .ordered = true}),
        numbers(100) | sum(),
        numbers(endless) | first(10) | plus_one(),
        numbers(endless) | plus_one() | take(10) | drop(3),
        numbers(100) | filter([](int x) { return x % 3 == 0; }),
        numbers(100) | batch(7) | map_stage([](const std::vector<int>& v) { return v.back(); }),
        numbers(100) | fuse(plus_one() | odd_ones() | repeated()) | plus_one(),
        numbers(100) | fuse({.workers = 3, .ordered = true}, odd_ones() | plus_one()),
        numbers(100) | fuse(fuse(plus_one() | odd_ones()) | first(7)),
        fuse(numbers(20) | plus_one()) | odd_ones(),
        numbers(100) | map(odd_fails).setup({.name = "skip", .on_error = OnError::skip}),
        numbers(100) |
            map(odd_fails).setup({.retry = at_once}).dead_letter([](std::exception_ptr, int& x) {
                x = 0;
            }),
        numbers(100) | fuse(plus_one() | map(odd_fails).setup({.on_error = OnError::skip})),
        numbers(100) | repeated().setup({.workers = 3, .ordered = true}).partition_by([](int x) {
            return x % 5;
        }),
    };
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        INFO("pipeline " << i << ": " << to_string(pipes[i]));
        const Outcome with_threads = threaded(pipes[i]);
        const Outcome without = inlined(pipes[i]);
        CHECK(without.text.empty());
        CHECK(with_threads.items == without.items);
        check_same_statistics(with_threads.stats, without.stats);
        CHECK(listed(pipes[i]) == without.items);  // a second run
        CHECK(listed(pipes[i].ordered()) == without.items);
    }
}

TEST_CASE("an inline run has the errors of a run with threads, with the same texts", "[inline_run]") {
    const auto no_std = source([]() -> generator<int> {
        co_yield 1;
        throw 42;
    });
    const auto swallowing = gen([](Input<int> in) -> generator<int> {
        try {
            for (int x : in) co_yield x;
        } catch (...) {
        }
    });
    const std::vector<Pipe> pipes = {
        no_std,
        no_std | plus_one(),
        numbers(endless) | failing_at(20),
        numbers(endless) | failing_at(20) | plus_one() | pass(),
        numbers(endless) | plus_one() | map(map_failing_at(20)).setup({.name = "bad"}),
        std::vector{1, 2, 3} | plus_one() | failing_at(3).setup({.name = "bad"}),
        numbers(endless) | failing_at(20).setup({.ordered = true}) | plus_one(),
        numbers(endless) | plus_one() | map(map_failing_at(20)).setup({.ordered = true}),
        numbers(endless) | failing_at(20) | swallowing,
        numbers(100) | failing_at(20).setup({.on_error = OnError::finish}) | plus_one(),
        numbers(endless) | fuse({.name = "outer"}, plus_one() | failing_at(20)),
        numbers(endless) | fuse(plus_one() | failing_at(20).setup({.name = "bad"}) | pass()),
        numbers(endless) | fuse({.ordered = true}, plus_one() | failing_at(20)),
        numbers(endless) | fuse({.ordered = true}, pass() | failing_at(20) | plus_one()),
        numbers(endless) | fuse(fuse({.name = "inner"}, failing_at(20) | plus_one())),
        numbers(100) | map(map_failing_at(20)).setup({.retry = at_once}),
        numbers(100) | map(map_failing_at(20)).dead_letter([](std::exception_ptr, int&) {
            throw std::logic_error("nowhere to put it");
        }),
    };
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        INFO("pipeline " << i << ": " << to_string(pipes[i]));
        const Outcome with_threads = threaded(pipes[i]);
        const Outcome without = inlined(pipes[i]);
        CHECK_FALSE(without.text.empty());
        CHECK(with_threads.text == without.text);
        CHECK(with_threads.failed_at == without.failed_at);
        // A run with threads loses the items in flight when it stops.
        CHECK(with_threads.items.size() <= without.items.size());
        CHECK(std::equal(with_threads.items.begin(), with_threads.items.end(),
                         without.items.begin()));
        check_same_statistics(with_threads.stats, without.stats);
    }
}

TEST_CASE("an inline run yields all results before the failing item, then throws",
          "[inline_run]") {
    const Outcome outcome =
        inlined(numbers(endless) | failing_at(20).setup({.name = "bad"}) | plus_one() | pass());
    CHECK(outcome.items.size() == 20);
    CHECK(outcome.text == "The task \"bad-0\" raised std::runtime_error: bad item");
    CHECK_FALSE(outcome.failed_at);
    CHECK(inlined(numbers(endless) | failing_at(20).setup({.ordered = true})).failed_at == 20);

    auto results = (numbers(5) | failing_at(2)).results(inline_run);
    auto at = results.begin();
    ++at;
    ++at;
    CHECK_THROWS_AS(at == results.end(), TaskException);
    CHECK_THROWS_AS(at == results.end(), TaskException);
    results.cancel();  // no effect after the end
    CHECK_THROWS_AS(results.begin() == results.end(), TaskException);
}

TEST_CASE(
    "if every stage is ordered, a run with threads yields all results before a source's error, like an inline run",
    "[inline_run]") {
    const bool from_range = GENERATE(false, true);
    const bool all_ordered = GENERATE(false, true);
    constexpr int end = 1000;
    const auto reader = source([]() -> generator<int> {
        for (int i : up_to(end)) co_yield int{i};
        throw std::runtime_error("broken");
    });
    const auto range = std::views::iota(0, 2 * end) | std::views::transform([](int x) {
                           if (x == end) throw std::runtime_error("broken");
                           return x;
                       });
    const auto last = map([](int x) { return x; }).setup({.workers = 3, .ordered = true});
    Pipe pipe = from_range ? Pipe(range | last) : Pipe(reader | last);
    if (all_ordered) pipe = pipe.ordered();
    const Outcome with_threads = outcome_of(pipe);
    const Outcome here = outcome_of(pipe.results(inline_run));
    CHECK(here.items == up_to(end));
    CHECK(here.text == with_threads.text);
    // The run stops at once: results that had left the last stage arrive, in order.
    if (all_ordered)
        CHECK(with_threads.items == here.items);
    else
        CHECK(with_threads.items == up_to(static_cast<int>(with_threads.items.size())));
}

TEST_CASE("an inline run calls all functions in the calling thread", "[inline_run]") {
    std::set<std::thread::id> threads;
    const auto note = [&threads](int x) {
        threads.insert(std::this_thread::get_id());
        return x;
    };
    const auto numbered = source([&threads]() -> generator<int> {
        threads.insert(std::this_thread::get_id());
        for (int i = 0; i < 50; ++i) co_yield i;
    });
    const Pipe pipe = numbered | map(note).setup({.workers = 4}) |
                      fuse({.workers = 2}, map(note) | map(note)) |
                      map(note).setup({.ordered = true});
    CHECK(listed(pipe) == up_to(50));
    static_cast<void>(pipe.execute(inline_run));
    (pipe | for_each([&](int x) { note(x); })).execute(inline_run);
    CHECK(threads == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("an inline run computes only the results that are read", "[inline_run]") {
    int begun = 0;
    int mapped = 0;
    const Pipe pipe = source([&begun]() -> generator<int> {
                          for (int i = 0;; ++i) {
                              ++begun;
                              co_yield i;
                          }
                      }) |
                      map([&mapped](int x) {
                          ++mapped;
                          return x;
                      }) |
                      pass();
    auto results = pipe.results(inline_run);
    CHECK(begun == 0);
    int seen = 0;
    for (int x : results) {
        CHECK(x == seen);
        ++seen;
        CHECK(begun == seen);
        CHECK(mapped == seen);
        if (seen == 20) break;
    }
    // A second loop continues where the first ended.
    auto at = results.begin();
    CHECK(*at == 20);
    CHECK(begun == 21);
}

TEST_CASE("in an inline run the workers of a stage run one after the other", "[inline_run]") {
    // A source runs once for each worker.
    const auto indices = source([]() -> generator<int> {
        for (int i = 0; i < 2; ++i) co_yield static_cast<int>(this_worker::index());
    });
    CHECK(listed(Stage(indices).setup({.workers = 3})) == std::vector<int>{0, 0, 1, 1, 2, 2});
    // Each worker yields a result; the first worker had all items.
    CHECK(listed(numbers(101) | sum().setup({.workers = 3})) == std::vector<int>{5050, 0, 0});
    // After a worker returns the next one continues; after the last one the run ends.
    CHECK(listed(numbers(endless) | first(3).setup({.workers = 4})) == up_to(12));
    CHECK(listed(numbers(8) | first(3).setup({.workers = 4})) == up_to(8));
    auto folded = reduce({.workers = 4}, 0, std::plus<>(), std::plus<>());
    CHECK((numbers(101) | folded).execute(inline_run) == 5050);
    const auto lost =
        inlined(numbers(10) |
                failing_at(4).setup({.workers = 2, .name = "lost", .on_error = OnError::finish}));
    CHECK(lost.items == std::vector<int>{0, 1, 2, 3, 5, 6, 7, 8, 9});
    CHECK(lost.text == "The task \"lost-0\" raised std::runtime_error: bad item");
}

TEST_CASE("in an inline run the workers of a fused stage leave the end of the items to the stages around it",
          "[inline_run]") {
    const auto pass = stage([](Input<int> items) -> generator<int> {
        for (int x : items) co_yield x;
    });
    const auto count = stage([](Input<int> items) -> generator<int> {
        int n = 0;
        for (int x : items) n += x != 0 ? 1 : 0;
        co_yield n;
    });
    const std::vector<int> numbers = {1, 2, 3};
    for (std::size_t workers = 1; workers != 6; ++workers) {
        CAPTURE(workers);
        CHECK((numbers | fuse({.workers = workers}, pass | pass) | count).collect(inline_run) == std::vector{3});
        CHECK((numbers | pass | fuse({.workers = workers}, pass | fuse(pass | pass)) | count).collect(inline_run) ==
              std::vector{3});
    }
}

TEST_CASE("in an inline run with OnError::finish the rest of the input is read and ignored",
          "[inline_run]") {
    int yielded = 0;
    const auto counted = source([&yielded]() -> generator<int> {
        for (int i = 0; i < 50; ++i) {
            co_yield i;
            ++yielded;
        }
    });
    const auto lost =
        inlined(counted | gen([](Input<int> in) -> generator<int> {
                              for (int x : in)
                                  if (x >= 3) throw std::runtime_error("lost");
                              co_yield 0;
                          }).setup({.workers = 2, .name = "all", .on_error = OnError::finish}) |
                plus_one());
    CHECK(lost.items.empty());
    CHECK(yielded == 50);
    CHECK(lost.text ==
          "2 tasks raised an exception. First error reported on task \"all-0\": "
          "std::runtime_error: lost");
}

TEST_CASE("an inline run with OnError::finish lists the errors in the order of the items",
          "[inline_run]") {
    const auto finish = [](std::string name) {
        return Setup{.workers = 2, .name = std::move(name), .on_error = OnError::finish};
    };
    try {
        (numbers(100) | failing_at(20).setup(finish("a")) | failing_at(10).setup(finish("b")))
            .execute(inline_run);
        FAIL("no exception");
    } catch (const TaskException& e) {
        REQUIRE(e.errors().size() == 2);
        CHECK(e.errors()[0].task() == "b-0");
        CHECK(e.errors()[1].task() == "a-0");
    }
}

TEST_CASE("an inline run unwinds the stages before a stage that has returned early", "[inline_run]") {
    std::atomic<int> alive{0};
    auto results = (numbers(endless) | guarded(alive) | plus_one() | guarded(alive) | first(3) |
                    gen([&alive](Input<int> in) -> generator<int> {
                        for ([[maybe_unused]] int x : in) continue;
                        co_yield alive.load();  // after its last item
                    })).results(inline_run);
    CHECK(*results.begin() == 0);
}

TEST_CASE("leaving an inline run early destroys all its frames at once", "[inline_run]") {
    std::atomic<int> alive{0};
    const Pipe pipe = numbers(endless) | guarded(alive) | plus_one() |
                      guarded(alive).setup({.workers = 3}) | fuse(guarded(alive) | plus_one());
    for (int x : pipe.results(inline_run)) {
        CHECK(alive == 3);
        if (x == 10) break;
    }
    CHECK(alive == 0);
    CHECK_THROWS_AS(
        [&] {
            for (int x : pipe.results(inline_run))
                if (x == 10) throw std::logic_error("the consumer's own");
        }(),
        std::logic_error);
    CHECK(alive == 0);
    { const auto never_looked_at = pipe.results(inline_run); }
    CHECK(alive == 0);
    std::optional<Results<int>> moved;
    {
        auto results = pipe.results(inline_run);
        CHECK(*results.begin() == 2);
        moved.emplace(std::move(results));
    }
    CHECK(alive == 3);
    CHECK(*moved->begin() == 3);
    moved.reset();
    CHECK(alive == 0);
}

TEST_CASE("a cancelled inline run throws CancelledError and unwinds", "[inline_run]") {
    std::atomic<int> alive{0};
    std::stop_token seen_by_worker;
    const Pipe pipe = numbers(endless) | guarded(alive) | map([&](int x) {
                          seen_by_worker = this_worker::stop_token();
                          return x;
                      }) |
                      guarded(alive);
    const bool from_thread = GENERATE(false, true);
    {
        auto results = pipe.results(inline_run);
        int seen = 0;
        CHECK_THROWS_AS(
            [&] {
                for ([[maybe_unused]] int x : results) {
                    if (++seen != 5) continue;
                    CHECK_FALSE(seen_by_worker.stop_requested());
                    if (from_thread)
                        std::jthread([&] { results.cancel(); }).join();
                    else
                        results.cancel();
                }
            }(),
            CancelledError);
        CHECK(seen == 5);
        CHECK(seen_by_worker.stop_requested());
    }
    CHECK(alive == 0);
    auto results = pipe.results(inline_run);
    results.cancel();
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
}

TEST_CASE("a stop_token ends an inline run", "[inline_run]") {
    std::stop_source stop;
    int seen = 0;
    CHECK_THROWS_AS(
        [&] {
            for ([[maybe_unused]] int x :
                 (numbers(endless) | plus_one()).results(inline_run, stop.get_token()))
                if (++seen == 5) stop.request_stop();
        }(),
        CancelledError);
    CHECK(seen == 5);
    CHECK_THROWS_AS((numbers(10) | plus_one()).execute(inline_run, stop.get_token()),
                    CancelledError);
    CHECK_THROWS_AS(numbers(10).execute(inline_run, stop.get_token()), CancelledError);
    CHECK_THROWS_AS(
        numbers(10).results(inline_run, stop.get_token()).begin() == std::default_sentinel,
        CancelledError);
    const auto sink = Stage<int, void>(Sink([](Input<int> in) {
        for ([[maybe_unused]] int x : in) continue;
    }));
    CHECK_THROWS_AS((numbers(10) | sink).execute(inline_run, stop.get_token()), CancelledError);

    // From inside, while no result reaches the loop.
    std::stop_source again;
    const Pipe silent = numbers(endless) | gen([&again](Input<int> in) -> generator<int> {
                            for (int x : in)
                                if (x == 100) again.request_stop();
                            co_yield 0;
                        });
    CHECK_THROWS_AS(silent.execute(inline_run, again.get_token()), CancelledError);
}

TEST_CASE("execute(inline_run) gives the last result or throws NoResultError", "[inline_run]") {
    CHECK((numbers(10) | plus_one()).execute(inline_run) == 10);
    CHECK(numbers(10).execute(inline_run) == 9);
    CHECK_THROWS_AS((numbers(10) | first(1) | drop(1)).execute(inline_run), NoResultError);
    CHECK_THROWS_AS(numbers(0).execute(inline_run), NoResultError);
    CHECK_THROWS_AS((numbers(10) | failing_at(3)).execute(inline_run), TaskException);
}

TEST_CASE("a sink runs inline", "[inline_run]") {
    std::vector<int> seen;
    int ends = 0;
    const auto store = Stage<int, void>(Sink([&](Input<int> in) {
        for (int x : in) {
            if (x == 99) throw std::runtime_error("too much");
            seen.push_back(x);
        }
        ++ends;
    }));
    const auto named = Stage(store).setup({.workers = 3, .name = "store"});
    (numbers(5) | named).execute(inline_run);
    CHECK(seen == up_to(5));
    CHECK(ends == 3);
    (numbers(3) | fuse(plus_one() | store)).execute(inline_run);
    CHECK(seen == std::vector<int>{0, 1, 2, 3, 4, 1, 2, 3});
    CHECK_THROWS_WITH((numbers(endless) | named).execute(inline_run),
                      "The task \"store-0\" raised std::runtime_error: too much");
    CHECK_THROWS_WITH(
        (numbers(endless) | failing_at(3).setup({.name = "bad"}) | named).execute(inline_run),
        "The task \"bad-0\" raised std::runtime_error: bad item");
}

TEST_CASE("an inline run uses up a single-pass range", "[inline_run]") {
    const bool inline_first = GENERATE(false, true);
    const bool inline_second = GENERATE(false, true);
    const auto once = [](int end) -> generator<int> {
        for (int i = 0; i < end; ++i) co_yield i;
    };
    const Pipe pipe = once(5) | plus_one();
    const auto run = [&](bool is_inline) {
        return is_inline ? pipe.execute(inline_run) : pipe.execute();
    };
    CHECK(run(inline_first) == 5);
    CHECK_THROWS_AS(run(inline_second), std::logic_error);
}

TEST_CASE("an error of the range on the left is reported as the source's, inline too", "[inline_run]") {
    const auto failing = []() -> generator<int> {
        co_yield 1;
        throw std::runtime_error("no more");
    };
    const Outcome outcome = inlined(failing() | plus_one());
    CHECK(outcome.items == std::vector<int>{2});
    CHECK(outcome.text == "The task \"source-0\" raised std::runtime_error: no more");
}

TEST_CASE("in an inline run this_worker names the stage that runs", "[inline_run]") {
    std::vector<std::string> names;
    const auto note = [&names](int x) {
        names.emplace_back(this_worker::stage_name());
        return x;
    };
    const Pipe inner = numbers(1) | map(note).setup({.name = "within"});
    const Pipe pipe = numbers(1) | map(note) | map(note).setup({.name = "named"}) | map([&](int x) {
                          note(x);
                          inner.execute(inline_run);
                          return note(x);
                      });
    CHECK(listed(pipe) == std::vector<int>{0});
    CHECK(names == std::vector<std::string>{"stage_1", "named", "stage_3", "within", "stage_3"});
    CHECK(this_worker::stage_name().empty());
}

TEST_CASE("items move and convert through an inline run and none leaks", "[inline_run]") {
    const int leave_at = GENERATE(7, 1000);
    Tally tally;
    const auto made = stage([&tally]() -> generator<Counted> {
        for (int i = 0; i < 50; ++i) co_yield Counted(tally, i);
    });
    const auto own = map_stage([](Counted x) { return std::make_unique<Counted>(std::move(x)); });
    const auto text = stage([](Input<std::shared_ptr<Counted>> in) -> generator<const char*> {
        for (auto& x : in) co_yield x->value % 2 == 0 ? "even" : "odd";
    });
    const auto size = stage([](Input<std::string> in) -> generator<std::size_t> {
        for (const std::string& x : in) co_yield x.size();
    });
    int seen = 0;
    for (const std::size_t x : (made | own | text | size).results(inline_run)) {
        CHECK(x == (seen % 2 == 0 ? 4 : 3));
        if (++seen == leave_at) break;
    }
    CHECK(seen == std::min(leave_at, 50));
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("inline runs of one pipeline in several threads do not affect each other", "[inline_run]") {
    const Pipe pipe = numbers(200) | plus_one() | fuse(odd_ones() | repeated());
    const std::vector<int> expected = threaded(pipe).items;
    std::atomic<int> equal{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int run = 0; run < 3; ++run)
                if (listed(pipe) == expected) ++equal;
        });
    threads.clear();
    CHECK(equal == 9);
}

TEST_CASE("stats of an inline run count items", "[inline_run]") {
    auto results = (std::views::iota(0, 10) | filter([](int x) { return x % 2 == 0; })).results(inline_run);
    long count = 0;
    for ([[maybe_unused]] int x : results) ++count;
    const Statistics all = results.stats();
    CHECK(count == 5);
    CHECK(all.has_ended);
    CHECK(all.stages.at(0).items_out == 10);
    CHECK(all.stages.at(1).items_in == 10);
    CHECK(all.stages.at(1).items_out == 5);
    CHECK(all.consumer.items == 5);
    CHECK(all.elapsed.count() > 0);
    CHECK(all.elapsed == results.stats().elapsed);
    CHECK(explain(all).kind == Verdict::Kind::too_early);
    CHECK(report(all).find(", ended") != std::string::npos);
}

}  // namespace inline_run_tests
