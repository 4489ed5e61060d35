#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"
#include "support/thread_limit.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

// partition_by: items with equal keys go to the same worker of a keyed stage.
namespace partition_by_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Fragile;
using support::listed;
using support::Outcome;
using support::Tally;
using support::up_to;

namespace {

constexpr int many = support::sanitized ? 500 : 2000;

/// An item and the worker that read it.
struct Seen {
    int item;
    std::size_t worker;
};

// Most tests share one type of function and one of key, which saves compile time.
using StageFunction = std::function<generator<Seen>(Input<int>)>;
using KeyFunction = std::function<std::size_t(int)>;

generator<Seen> tell(Input<int> items) {
    for (int x : items) co_yield Seen{x, this_worker::index()};
}

Stage<int, Seen> keyed(Setup setup, StageFunction f, KeyFunction key) {
    return Stage<int, Seen>(std::move(f)).setup(std::move(setup)).partition_by(std::move(key));
}

KeyFunction modulo(int n) {
    return [n](int x) { return static_cast<std::size_t>(x % n); };
}

/// A source of 0, 1, ... `end` - 1.
Stage<void, int> numbers(int end, std::size_t qsize = 1024) {
    return Stage<void, int>(
               [](int n) -> generator<int> {
                   for (int i = 0; i < n; ++i) co_yield i;
               },
               end)
        .setup({.qsize = qsize, .name = "numbers"});
}

constexpr int endless = 2'000'000'000;

/// Whether each item from 0 to `end` - 1 occurs once, and the items of each key are in order.
bool is_complete(const std::vector<Seen>& all, int end, int keys) {
    std::vector<int> times(static_cast<std::size_t>(end));
    std::vector<int> last(static_cast<std::size_t>(keys), -1);
    for (const Seen& seen : all) {
        int& before = last[static_cast<std::size_t>(seen.item % keys)];
        if (seen.item <= before) return false;
        before = seen.item;
        ++times[static_cast<std::size_t>(seen.item)];
    }
    return std::all_of(times.begin(), times.end(), [](int n) { return n == 1; });
}

/// Whether every key belongs to one worker.
bool is_partitioned(const std::vector<Seen>& all, int keys) {
    std::map<int, std::size_t> owner;
    return std::all_of(all.begin(), all.end(), [&](const Seen& seen) {
        return owner.emplace(seen.item % keys, seen.worker).first->second == seen.worker;
    });
}

std::vector<int> items_of(const std::vector<Seen>& all) {
    std::vector<int> items;
    for (const Seen& seen : all) items.push_back(seen.item);
    return items;
}

template <class Runnable>
Outcome outcome_of(const Runnable& runnable) {
    return support::outcome_of(runnable, &Seen::item);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("items with equal keys go to one worker, in the order in which they arrive",
          "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U, 9U);
    const std::size_t qsize = GENERATE(0U, 1U, 3U, 1024U);
    INFO(workers << " workers, qsize " << qsize);
    const auto all = listed(numbers(many, qsize) | keyed({.workers = workers}, tell, modulo(37)));
    CHECK(is_partitioned(all, 37));
    CHECK(is_complete(all, many, 37));
}

TEST_CASE("keys are spread over the workers, even if they have a common factor", "[partition_by]") {
    const std::size_t factor = GENERATE(1U, 4U, 64U, 1024U);
    const auto all = listed(numbers(400) | keyed({.workers = 4}, tell, [factor](int x) {
                                return static_cast<std::size_t>(x) * factor;
                            }));
    std::map<std::size_t, int> items;
    for (const Seen& seen : all) ++items[seen.worker];
    REQUIRE(items.size() == 4);
    for (const auto& [worker, count] : items) {
        INFO("factor " << factor << ", worker " << worker);
        CHECK(count > 50);
    }
}

TEST_CASE("a key belongs to the same worker in every run", "[partition_by]") {
    const auto pipe = numbers(300) | keyed({.workers = 3}, tell, modulo(29));
    std::map<int, std::size_t> owner;
    for (const Seen& seen : listed(pipe)) owner[seen.item % 29] = seen.worker;
    bool same = true;
    for (const Seen& seen : listed(pipe)) same = same && owner[seen.item % 29] == seen.worker;
    CHECK(same);
}

TEST_CASE("the data that a worker keeps for a key needs no lock, as in a word count", "[partition_by]") {
    // The words convert between the stages: the key gets the item type of the keyed stage.
    std::vector<const char*> words;
    const std::vector<const char*> some = {"a", "parallel", "pipeline", "is", "a", "loop"};
    for (int i = 0; i < 200; ++i) words.insert(words.end(), some.begin(), some.end());
    auto count = stage({.workers = 4}, [](Input<std::string> in) -> generator<std::string> {
        std::map<std::string, int> times;
        for (const std::string& word : in) ++times[word];
        for (const auto& [word, n] : times) co_yield word + ' ' + std::to_string(n);
    });
    const auto pipe = words | count.partition_by([](const std::string& word) { return word; });
    CHECK(support::sorted(pipe) ==
          std::vector<std::string>{"a 400", "is 200", "loop 200", "parallel 200", "pipeline 200"});
}

TEST_CASE("ready-made and generic stages can have a key, set before or after their arguments",
          "[partition_by]") {
    const auto key = [](int x) { return x % 7; };
    const auto told = [](int x) { return Seen{x, this_worker::index()}; };
    const auto check = [](const auto& pipe) {
        const auto all = listed(pipe);
        CHECK(is_partitioned(all, 7));
        CHECK(is_complete(all, 200, 7));
    };
    const auto source = numbers(200, 4);
    check(source | map_stage({.workers = 3}, told).partition_by(key));
    check(source | map_stage({.workers = 3}, [&](auto x) { return told(x); }).partition_by(key));
    check(source |
          map_stage([&](auto x) { return told(x); }).partition_by(key).setup({.workers = 3}));
    const auto shifted = stage({.workers = 3}, [](Input<int> in, int n) -> generator<Seen> {
        for (int x : in) co_yield Seen{x + n - 7, this_worker::index()};
    });
    check(source | shifted.partition_by(key)(7));
    check(source | shifted(7).partition_by(key));

    std::mutex mutex;
    std::vector<Seen> all;
    (source | for_each({.workers = 3},
                       [&](int x) {
                           const std::lock_guard lock(mutex);
                           all.push_back(told(x));
                       })
                  .partition_by(key))
        .execute();
    CHECK(is_partitioned(all, 7));
    CHECK(is_complete(all, 200, 7));
}

TEST_CASE("partition_by changes neither the stage that it was copied from nor its settings",
          "[partition_by]") {
    auto plain = Stage(tell).setup({.workers = 2, .name = "tell"});
    auto other = plain;
    other.partition_by([](int) { return 1; });
    CHECK(to_string(other) == "tell(x2)");
    std::set<std::size_t> workers;
    for (const Seen& seen : (numbers(100) | other).results()) workers.insert(seen.worker);
    CHECK(workers.size() == 1);
    // The copy has no key: while one worker holds an item the other takes the next.
    std::latch both(2);
    auto meet = Stage<int, Seen>(StageFunction([&](Input<int> in) -> generator<Seen> {
                    for (int x : in) {
                        if (x < 2) both.arrive_and_wait();
                        co_yield Seen{x, 0};
                    }
                })).setup({.workers = 2});
    auto alone = meet;
    alone.partition_by(modulo(1));
    CHECK(listed(numbers(2) | meet).size() == 2);
}

TEST_CASE("a keyed stage can be ordered", "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U, 9U);
    const std::size_t qsize = GENERATE(1U, 2U, 0U, 1024U);
    const int keys = GENERATE(1, 5, 1000);
    INFO(workers << " workers, qsize " << qsize << ", " << keys << " keys");
    constexpr int count = support::sanitized ? 200 : 500;
    const auto twice = [](Input<int> in) -> generator<Seen> {
        for (int x : in)
            for (int i = 0; i < x % 3; ++i) co_yield Seen{x, this_worker::index()};
    };
    const auto all =
        listed(numbers(count, qsize) |
               keyed({.workers = workers, .qsize = qsize, .ordered = true}, twice, modulo(keys)));
    std::vector<int> expected;
    for (int x = 0; x < count; ++x)
        expected.insert(expected.end(), static_cast<std::size_t>(x % 3), x);
    CHECK(items_of(all) == expected);
    CHECK(is_partitioned(all, keys));
}

TEST_CASE("at most qsize items wait for the workers of a keyed stage",
          "[partition_by][backpressure]") {
    const std::size_t qsize = GENERATE(1U, 2U, 5U, 64U);
    const bool slow_is_alone = GENERATE(true, false);
    std::atomic<long> begun{0};
    std::atomic<long> taken{0};
    std::counting_semaphore<> go(0);
    auto source = stage({.qsize = qsize}, [&]() -> generator<int> {
        for (int i = 0;; ++i) {
            ++begun;
            co_yield i;
        }
    });
    // All items belong to one worker, or every second item to a slow worker.
    auto slow = keyed(
        {.workers = 3, .qsize = 0},
        [&](Input<int> items) -> generator<Seen> {
            for (int x : items) {
                ++taken;
                if (x % 2 == 0) go.acquire();
                co_yield Seen{x, 0};
            }
        },
        modulo(slow_is_alone ? 1 : 2));
    auto results = (source | slow).results();
    const long hands = 1 + 3;
    CHECK(comes_true([&] { return taken >= 1 && begun >= static_cast<long>(qsize) / 2; }));
    bool kept = true;
    for (int released = 0; released < 50; ++released) {
        const long before = begun;
        kept = kept && before - taken <= static_cast<long>(qsize) + hands;
        go.release();
        kept = kept && comes_true([&] { return begun > before || qsize > 4; });
    }
    CHECK(comes_true([&] { return taken >= 50; }));
    support::give_it_a_chance();
    INFO("qsize " << qsize << ": " << begun << " begun, " << taken << " taken");
    CHECK(kept);
    CHECK(begun - taken <=
          static_cast<long>(qsize) + 1);  // `taken` includes the current items of the workers
    std::thread leave([&] { go.release(100000); });
    results.cancel();
    leave.join();
}

TEST_CASE("while the queue has free slots a slow worker does not block the items of others",
          "[partition_by]") {
    const std::size_t workers = GENERATE(2U, 4U);
    std::latch release(1);
    std::atomic<std::size_t> slow{99};
    std::atomic<int> done{0};
    // The worker with item 0 waits until all items of the other workers are done.
    std::vector<std::size_t> owner(16);
    for (const Seen& seen : listed(numbers(16) | keyed({.workers = workers}, tell, modulo(16))))
        owner[static_cast<std::size_t>(seen.item)] = seen.worker;
    int others = 0;
    for (int x = 0; x < 500; ++x) others += owner[static_cast<std::size_t>(x % 16)] != owner[0];
    REQUIRE(others > 0);
    auto results = (numbers(500, 0) | keyed(
                                          {.workers = workers, .qsize = 0},
                                          [&](Input<int> in) -> generator<Seen> {
                                              for (int x : in) {
                                                  if (x == 0) {
                                                      slow = this_worker::index();
                                                      release.wait();
                                                  }
                                                  ++done;
                                                  co_yield Seen{x, this_worker::index()};
                                              }
                                          },
                                          modulo(16)))
                       .results();
    CHECK(comes_true([&] { return done == others; }));
    CHECK(comes_true([&] { return slow == owner[0]; }));
    release.count_down();
    std::vector<Seen> all;
    for (const Seen& seen : results) all.push_back(seen);
    CHECK(is_complete(all, 500, 16));
}

TEST_CASE("the keys of a worker that returns early pass to its successor, and no item is lost",
          "[partition_by]") {
    const std::size_t workers = GENERATE(2U, 4U);
    const std::size_t qsize = GENERATE(1U, 5U, 0U);
    const bool ordered = GENERATE(false, true);
    INFO(workers << " workers, qsize " << qsize << ", ordered " << ordered);
    // All workers but the last return after their third item.
    std::atomic<std::size_t> staying{workers};
    const auto all =
        listed(numbers(300, qsize) | keyed(
                                         {.workers = workers, .ordered = ordered},
                                         [&](Input<int> in) -> generator<Seen> {
                                             int mine = 0;
                                             for (int x : in) {
                                                 co_yield Seen{x, this_worker::index()};
                                                 if (++mine % 3 != 0) continue;
                                                 if (staying.fetch_sub(1) > 1) co_return;
                                                 ++staying;
                                             }
                                         },
                                         modulo(11)));
    CHECK(is_complete(all, 300, ordered ? 1 : 300));
}

TEST_CASE("when all workers of a keyed stage return early the run ends", "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const std::size_t qsize = GENERATE(1U, 7U, 1024U);
    Tally tally;
    std::atomic<bool> unwound{false};
    struct Guard {
        std::atomic<bool>* done;
        ~Guard() { *done = true; }
    };
    {
        auto source = stage({.qsize = qsize}, [&]() -> generator<Counted> {
            const Guard guard{&unwound};
            for (int i = 0;; ++i) co_yield Counted(tally, i);
        });
        auto three = stage({.workers = workers}, [](Input<Counted> in) -> generator<Counted> {
            int left = 3;
            for (Counted& x : in) {
                co_yield std::move(x);
                if (--left == 0) co_return;
            }
        });
        int results = 0;
        for ([[maybe_unused]] Counted& x :
             (source | three.partition_by([](const Counted& x) { return x.value; })).results())
            ++results;
        CHECK(results == static_cast<int>(3 * workers));
    }
    CHECK(unwound);
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("an error in a keyed stage stops the run", "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const auto failing = [](Input<int> in) -> generator<Seen> {
        for (int x : in) {
            if (x == 100) throw std::runtime_error("no hundred");
            co_yield Seen{x, 0};
        }
    };
    const Outcome outcome = outcome_of(
        numbers(endless) | keyed({.workers = workers, .name = "part"}, failing, modulo(13)));
    CHECK(contains(outcome.text, "The task \"part-"));
    CHECK(contains(outcome.text, "\" raised std::runtime_error: no hundred"));
    CHECK_FALSE(outcome.failed_at);
}

TEST_CASE("with OnError::finish the keys of a lost worker pass to its successor", "[partition_by]") {
    const std::size_t qsize = GENERATE(1U, 64U);
    const bool ordered = GENERATE(false, true);
    const auto failing = [](Input<int> in) -> generator<Seen> {
        for (int x : in) {
            if (x == 100) throw std::runtime_error("no hundred");
            co_yield Seen{x, this_worker::index()};
        }
    };
    Outcome outcome = outcome_of(
        numbers(300, qsize) | keyed({.workers = 3, .ordered = ordered, .on_error = OnError::finish},
                                    failing, modulo(13)));
    CHECK(contains(outcome.text, "no hundred"));
    std::vector<int> expected = up_to(300);
    expected.erase(expected.begin() + 100);
    if (!ordered) std::sort(outcome.items.begin(), outcome.items.end());
    CHECK(outcome.items == expected);
}

TEST_CASE("retry, dead_letter and OnError::skip work in a keyed stage", "[partition_by]") {
    const auto odd_fails = [](int x) {
        if (x % 2 != 0) throw std::runtime_error("odd");
        return Seen{x, this_worker::index()};
    };
    const auto key = [](int x) { return x % 5; };
    auto even = map_stage({.workers = 3, .name = "even"}, odd_fails);
    std::vector<int> evens;
    for (int x = 0; x < 200; x += 2) evens.push_back(x);

    Outcome skipped =
        outcome_of(numbers(200, 3) | even.setup({.on_error = OnError::skip}).partition_by(key));
    std::sort(skipped.items.begin(), skipped.items.end());
    CHECK(skipped.items == evens);
    CHECK(skipped.stats.stages[1].skipped == 100);

    std::atomic<int> lost{0};
    auto handled = map_stage({.workers = 3,
                              .ordered = true,
                              .retry = Retry{.times = 1, .backoff = std::chrono::nanoseconds(0)}},
                             odd_fails)
                       .partition_by(key)
                       .dead_letter([&](std::exception_ptr, int& x) { lost += x; });
    const Outcome dead = outcome_of(numbers(200, 3) | handled);
    CHECK(dead.items == evens);
    CHECK(lost == 100 * 100);
    CHECK(dead.stats.stages[1].retried == 100);
    CHECK(dead.stats.stages[1].failed == 100);
}

TEST_CASE("an exception of the key function is an error of the stage", "[partition_by]") {
    const std::size_t workers = GENERATE(2U, 4U);
    const std::size_t qsize = GENERATE(1U, 1024U);
    const OnError policy = GENERATE(OnError::stop, OnError::finish);
    const auto key = [](int x) {
        if (x == 100) throw std::runtime_error("no key");
        return static_cast<std::size_t>(x);
    };
    const Outcome outcome =
        outcome_of(numbers(300, qsize) |
                   keyed({.workers = workers, .name = "part", .on_error = policy}, tell, key));
    CHECK(contains(outcome.text, "The task \"part-"));
    CHECK(contains(outcome.text, "\" raised std::runtime_error: no key"));
    if (policy == OnError::finish) CHECK(outcome.items.size() == 299);
}

TEST_CASE("a key function that throws gives an error in the place of the item", "[partition_by]") {
    const std::size_t workers = GENERATE(2U, 5U);
    const std::size_t qsize = GENERATE(1U, 1024U);
    const bool ordered = GENERATE(false, true);
    std::atomic<int> caught{0};
    const auto going_on = [&](Input<int> in) -> generator<Seen> {
        for (bool at_end = false; !at_end;) {
            try {
                for (int x : in) co_yield Seen{x, 0};
                at_end = true;
            } catch (const std::runtime_error&) {
                ++caught;
            }
        }
    };
    const auto key = [](int x) -> std::size_t {
        if (x % 7 < 3) throw std::runtime_error("no key");
        return static_cast<std::size_t>(x % 4);
    };
    const Outcome outcome =
        outcome_of(numbers(700, qsize) | keyed({.workers = workers, .ordered = ordered}, going_on, key));
    std::vector<int> items = outcome.items;
    if (!ordered) std::ranges::sort(items);
    std::vector<int> expected = up_to(700);
    std::erase_if(expected, [](int x) { return x % 7 < 3; });
    CHECK(outcome.text.empty());
    CHECK(items == expected);
    CHECK(caught == 300);
}

TEST_CASE("the first of several keys that throw ends an ordered stage, whichever worker leaves meanwhile",
          "[partition_by]") {
    for (int round = 0; round < 50; ++round) {
        const auto leaving = [=](Input<int> in) -> generator<Seen> {
            for (int x : in) {
                co_yield Seen{x, 0};
                if (this_worker::index() == 0 && x >= round) co_return;
            }
        };
        const auto key = [](int x) -> std::size_t {
            if (x == 40 || x == 41) throw std::runtime_error("no key");
            return static_cast<std::size_t>(x % 9);
        };
        const Outcome outcome =
            outcome_of(numbers(300) | keyed({.workers = 5, .ordered = true}, leaving, key));
        REQUIRE(outcome.items == up_to(40));
        REQUIRE(contains(outcome.text, "no key"));
    }
}

TEST_CASE(
    "the error of a key that a worker leaves ends the results, even if its siblings have such errors",
    "[partition_by]") {
    const bool leaves_to_sibling = GENERATE(true, false);
    std::array<int, 3> key_of{-1, -1, -1};  // a key of each worker; keys belong to the same worker in every run
    for (const Seen& seen : listed(numbers(30) | keyed({.workers = 3}, tell, modulo(30))))
        key_of[seen.worker] = seen.item;
    // Worker 0 reads 0 and the error in place of 1, then worker 1 reads 2 and the error in place of 3. Worker 0
    // leaves its error to worker 1, or both other workers have failed by then, worker 2 at the error in place of 5.
    std::atomic<bool> is_full{false};
    std::array<std::atomic<bool>, 3> has_read{};
    std::array<std::atomic<bool>, 3> is_gone{};
    const auto wait_for = [](const std::atomic<bool>& event) {
        comes_true([&] { return event.load(); });
    };
    auto source = stage({.qsize = 0}, [&]() -> generator<int> {
        for (int i = 0; i < 20; ++i) co_yield int{i};
        is_full = true;
    });
    const auto work = [&](Input<int> in) -> generator<Seen> {
        wait_for(this_worker::index() == 0 ? is_full : has_read[this_worker::index() - 1]);
        for (int x : in) {
            has_read[this_worker::index()] = true;
            if (x == 0) wait_for(leaves_to_sibling ? has_read[1] : is_gone[1]);
            if (x == 2) wait_for(leaves_to_sibling ? is_gone[0] : is_gone[2]);
            co_yield Seen{x, 0};
            if (x == 0) co_return;
        }
    };
    const auto key = [&](int x) {
        if (x % 2 == 1) throw std::runtime_error("no key");
        return static_cast<std::size_t>(key_of[x == 0 ? 0U : 1U]);
    };
    auto results = (source | keyed({.workers = 3, .ordered = true}, work, key)).results();
    // Reading the statistics sets the readers' attention flags: then they read fewer items at a time.
    wait_for(has_read[1]);
    CHECK(comes_true([&] {
        const Statistics stats = results.stats();
        for (std::size_t i = 0; i < 3; ++i)
            is_gone[i] = stats.stages.back().each[i].activity == Activity::ended;
        return is_gone[0] && is_gone[1] && is_gone[2];
    }));
    const Outcome outcome = support::outcome_of(results, &Seen::item);
    CHECK(outcome.items == std::vector{0});
    CHECK(contains(outcome.text, "no key"));
}

TEST_CASE("break, cancel and a stop_token end a keyed run whose results are not read",
          "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const std::size_t qsize = GENERATE(1U, 0U, 1024U);
    const bool ordered = GENERATE(false, true);
    Tally tally;
    auto source = stage({.qsize = qsize == 0 ? 1000 : qsize}, [&]() -> generator<Counted> {
        for (int i = 0;; ++i) co_yield Counted(tally, i);
    });
    auto pass = stage({.workers = workers, .qsize = 16, .ordered = ordered},
                      [](Input<Counted> in) -> generator<Counted> {
                          for (Counted& x : in) co_yield std::move(x);
                      });
    const auto pipe = source | pass.partition_by([](const Counted& x) { return x.value % 3; });
    {
        int seen = 0;
        for ([[maybe_unused]] Counted& x : pipe.results())
            if (++seen == 50) break;
        CHECK(seen == 50);
    }
    CHECK(tally.alive == 0);
    {
        auto results = pipe.results();
        auto at = results.begin();
        for (int i = 0; i < 20; ++i) ++at;
        results.cancel();
        CHECK_THROWS_AS(
            [&] {
                while (at != results.end()) ++at;
            }(),
            CancelledError);
    }
    CHECK(tally.alive == 0);
    {
        std::stop_source stop;
        auto results = pipe.results(stop.get_token());
        std::thread later([&] { stop.request_stop(); });
        CHECK_THROWS_AS(
            [&] {
                for ([[maybe_unused]] Counted& x : results) continue;
            }(),
            CancelledError);
        later.join();
    }
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("a stop wakes the workers of a keyed stage that wait for a silent source",
          "[partition_by]") {
    std::atomic<bool> waiting{false};
    auto silent = stage([&]() -> generator<int> {
        for (int i = 0; i < 5; ++i) co_yield i;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        waiting = true;
        never.wait(lock, this_worker::stop_token(), [] { return false; });
    });
    std::atomic<int> unwound{0};
    struct Guard {
        std::atomic<int>* count;
        ~Guard() { ++*count; }
    };
    auto results = (silent | keyed(
                                 {.workers = 4},
                                 [&](Input<int> in) -> generator<Seen> {
                                     const Guard guard{&unwound};
                                     for (int x : in) co_yield Seen{x, 0};
                                 },
                                 modulo(5)))
                       .results();
    CHECK(comes_true([&] { return waiting.load(); }));
    results.cancel();
    CHECK(unwound == 4);
}

TEST_CASE("a keyed stage may have move-only items", "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 3U);
    auto source = stage({.qsize = 4}, []() -> generator<std::unique_ptr<int>> {
        for (int i = 0; i < 300; ++i) co_yield std::make_unique<int>(i);
    });
    auto read = map_stage({.workers = workers, .ordered = true}, [](const std::unique_ptr<int>& x) {
        return Seen{*x, 0};
    });
    CHECK(items_of(listed(source | read.partition_by([](const std::unique_ptr<int>& x) {
              return *x % 10;
          }))) == up_to(300));
}

TEST_CASE("an item whose move throws fails a keyed run and leaks nothing",
          "[partition_by]") {
    const bool ordered = GENERATE(false, true);
    int failures = 0;
    for (long steps = 1; steps < 300; steps += 7) {
        support::Fuse fuse(steps);
        auto source = stage({.qsize = 5}, [&]() -> generator<Fragile> {
            for (int i = 0; i < 20; ++i) co_yield Fragile(fuse, i);
        });
        auto read = map_stage({.workers = 3, .ordered = ordered}, [](const Fragile& x) {
            return Seen{x.value, 0};
        });
        const Outcome outcome =
            outcome_of(source | read.partition_by([](const Fragile& x) { return x.value % 4; }));
        CHECK(fuse.alive == 0);
        CHECK(outcome.text.empty() == (fuse.left != 0));
        if (outcome.text.empty()) CHECK(outcome.items.size() == 20);
        if (ordered) CHECK(outcome.items == up_to(static_cast<int>(outcome.items.size())));
        failures += !outcome.text.empty();
    }
    CHECK(failures > 10);
}

TEST_CASE("items whose move to a slow worker throws count for qsize too",
          "[partition_by][backpressure]") {
    struct Heavy {
        explicit Heavy(int v) : value(v) {}
        Heavy(Heavy&& other) : value(other.value), moves(other.moves + 1) {
            // Moves: into the queue, to the worker that reads for all, into the queue of the slow worker.
            if (value != 0 && moves == 3) throw std::runtime_error("too heavy");
        }
        Heavy& operator=(Heavy&&) = delete;
        int value;
        int moves = 0;
    };
    std::atomic<int> made{0};
    std::latch release(1);
    auto source = stage({.qsize = 8}, [&]() -> generator<Heavy> {
        for (int i = 0;; ++i) {
            made = i;
            co_yield Heavy(i);
        }
    });
    auto slow = map_stage({.workers = 2}, [&](const Heavy& x) {
        if (x.value == 0) release.wait();
        return Seen{x.value, 0};
    });
    auto results = (source | slow.partition_by([](const Heavy&) { return 0; })).results();
    constexpr int most = 8 + 3;  // and the current item of each worker
    int before = -1;
    const bool rests = comes_true([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return made > most || (made != 0 && made == std::exchange(before, made.load()));
    });
    const int seen = made;
    release.count_down();
    const Outcome outcome = support::outcome_of(results, &Seen::item);
    CHECK(rests);
    CHECK(seen <= most);
    CHECK(contains(outcome.text, "too heavy"));
}

TEST_CASE("an item whose move throws when a keyed worker leaves it to its successor fails the run", "[partition_by]") {
    const bool ordered = GENERATE(false, true);
    int failures = 0;
    for (long steps = 1; steps < 200; ++steps) {
        support::Fuse fuse(steps);
        auto source = stage({.qsize = 5}, [&]() -> generator<Fragile> {
            for (int i = 0; i < 20; ++i) co_yield Fragile(fuse, i);
        });
        auto read = stage({.workers = 3, .ordered = ordered}, [](Input<Fragile> in) -> generator<Seen> {
            int done = 0;
            for (auto it = in.begin(); it != in.end(); ++it) {
                // The item that this worker has claimed passes to a sibling.
                if (this_worker::index() != 0 && done++ == 2) co_return;
                co_yield Seen{it->value, 0};
            }
        });
        const Outcome outcome =
            outcome_of(source | read.partition_by([](const Fragile& x) { return x.value; }));
        REQUIRE(fuse.alive == 0);
        REQUIRE(outcome.text.empty() == (fuse.left != 0));
        if (outcome.text.empty()) REQUIRE(outcome.items.size() == 20);
        if (ordered) REQUIRE(std::ranges::is_sorted(outcome.items));
        failures += !outcome.text.empty();
    }
    CHECK(failures > 20);
}

TEST_CASE("a keyed pipeline runs again, and several times at once", "[partition_by]") {
    const auto pipe = numbers(300, 7) | keyed({.workers = 3}, tell, modulo(17)) |
                      map_stage([](const Seen& seen) { return seen; });
    std::atomic<int> complete{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int run = 0; run < 2; ++run) {
                const auto all = listed(pipe);
                if (is_partitioned(all, 17) && is_complete(all, 300, 17)) ++complete;
            }
        });
    threads.clear();
    CHECK(complete == 6);
}

TEST_CASE("a keyed stage may follow another keyed stage", "[partition_by]") {
    const auto told = [](int x) { return x; };
    const auto pipe =
        numbers(500, 3) |
        map_stage({.workers = 3, .qsize = 2, .ordered = true}, told).partition_by([](int x) {
            return x % 7;
        }) |
        keyed({.workers = 2}, tell, modulo(5));
    const auto all = listed(pipe);
    CHECK(is_partitioned(all, 5));
    CHECK(is_complete(all, 500, 5));
}

TEST_CASE("with OnError::finish a keyed stage whose workers are all lost ignores the rest",
          "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 3U);
    std::atomic<int> yielded{0};
    auto source = stage({.qsize = 2}, [&]() -> generator<int> {
        for (int i = 0; i < 500; ++i) {
            co_yield i;
            ++yielded;
        }
    });
    const auto failing = [](Input<int> in) -> generator<Seen> {
        for (int x : in)
            if (x >= 0) throw std::runtime_error("at once");
        co_yield Seen{0, 0};
    };
    const Outcome outcome = outcome_of(
        source | keyed({.workers = workers, .on_error = OnError::finish}, failing, modulo(13)));
    CHECK(outcome.items.empty());
    CHECK(contains(outcome.text, "at once"));
    CHECK(yielded == 500);
}

TEST_CASE("a keyed worker gives an item back that it claimed but did not read",
          "[partition_by]") {
    const std::size_t qsize = GENERATE(0U, 4U);
    const bool ordered = GENERATE(false, true);
    const auto some = [](Input<int> in) -> generator<Seen> {
        int done = 0;
        for (auto it = in.begin(); it != in.end(); ++it) {
            if (this_worker::index() == 0 && done++ == 3) co_return;
            co_yield Seen{*it, 0};
        }
    };
    const auto all = listed(numbers(200, 8) |
                            keyed({.workers = 2, .qsize = qsize, .ordered = ordered}, some, modulo(200)));
    std::vector<int> items;
    for (const Seen& seen : all) items.push_back(seen.item);
    if (!ordered) std::ranges::sort(items);
    CHECK(items == up_to(200));
}

TEST_CASE("keyed workers that are all lost before they read an item leak nothing",
          "[partition_by]") {
    const auto failing = [](Input<int> in) -> generator<Seen> {
        for (auto it = in.begin(); it != in.end(); ++it) throw std::runtime_error("before looking");
        co_yield Seen{0, 0};
    };
    const Outcome outcome = outcome_of(
        numbers(200) | keyed({.workers = 2, .on_error = OnError::finish}, failing, modulo(200)));
    CHECK(outcome.items.empty());
    CHECK(contains(outcome.text, "before looking"));
}

TEST_CASE("an error in an ordered keyed stage comes after exactly the results before it",
          "[partition_by]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U);
    const std::size_t qsize = GENERATE(1U, 1024U);
    const int keys = GENERATE(1, 13, 1000);
    const bool in_key = GENERATE(false, true);
    if (in_key && workers == 1) return;  // one worker needs no key
    const auto failing = [=](Input<int> in) -> generator<Seen> {
        for (int x : in) {
            if (x == 100 && !in_key) throw std::runtime_error("no hundred");
            co_yield Seen{x, 0};
        }
    };
    const auto key = [=](int x) {
        if (x == 100 && in_key) throw std::runtime_error("no hundred");
        return static_cast<std::size_t>(x % keys);
    };
    const Outcome outcome = outcome_of(
        numbers(endless, qsize) | keyed({.workers = workers, .ordered = true}, failing, key));
    CHECK(contains(outcome.text, "no hundred"));
    CHECK(outcome.items == up_to(100));
    CHECK(outcome.failed_at == 100);
}

TEST_CASE("a keyed worker that has items after the failing one lets the run end",
          "[partition_by]") {
    std::latch full(1);
    std::latch thrown(1);
    auto source = stage({.qsize = 0}, [&]() -> generator<int> {
        for (int i : up_to(60)) co_yield i;
        full.count_down();
    });
    const auto failing = [&](Input<int> in) -> generator<Seen> {
        full.wait();
        for (int x : in) {
            if (x == 30) {
                thrown.count_down();
                throw std::runtime_error("thirty");
            }
            if (x == 29) {
                thrown.wait();
                support::give_it_a_chance();
            }
            co_yield Seen{x, 0};
        }
    };
    const Outcome outcome =
        outcome_of(source | keyed({.workers = 3, .ordered = true}, failing,
                                  [](int x) { return static_cast<std::size_t>(x == 30); }));
    CHECK(outcome.items == up_to(30));
    CHECK(outcome.failed_at == 30);
}

TEST_CASE("an ordered keyed worker that is past a failing item still reads items left to it",
          "[partition_by]") {
    // A key of each worker; keys belong to the same worker in every run.
    std::array<int, 3> key_of{-1, -1, -1};
    for (const Seen& seen : listed(numbers(30) | keyed({.workers = 3}, tell, modulo(30))))
        key_of[seen.worker] = seen.item;
    // The first worker leaves an unread item before the failing one, while its successor is at an item after the
    // failing one.
    enum { taken = 0, left, failing, later };
    const std::array<int, 4> keys{key_of[0], key_of[0], key_of[2], key_of[1]};
    std::latch all_taken(2);
    std::latch leaving(1);
    std::latch thrown(1);
    const auto work = [&](Input<int> in) -> generator<Seen> {
        for (int x : in) {
            if (x == failing) {
                all_taken.count_down();
                leaving.wait();
                support::give_it_a_chance();
                thrown.count_down();
                throw std::runtime_error("fails");
            }
            if (x == later) {
                all_taken.count_down();
                thrown.wait();
                support::give_it_a_chance();
            }
            co_yield Seen{x, this_worker::index()};
            if (x == taken) {
                all_taken.wait();
                leaving.count_down();
                co_return;
            }
        }
    };
    const Outcome outcome =
        outcome_of(numbers(4) | keyed({.workers = 3, .ordered = true}, work, [&](int x) {
                       return static_cast<std::size_t>(keys[static_cast<std::size_t>(x)]);
                   }));
    CHECK(outcome.items == up_to(failing));
    CHECK(outcome.failed_at == failing);
}

TEST_CASE("a worker of a keyed stage that cannot start ends the run, whatever its siblings wait for",
          "[partition_by]") {
    const int started = GENERATE(1, 2, 3);
    const auto pass_on = [](Input<int> in) -> generator<int> {
        for (int x : in) co_yield x;
    };
    const auto pipe =
        numbers(3) | stage({.workers = 3, .ordered = started == 2}, pass_on).partition_by(std::identity());
    // Meanwhile the other workers reach the end of the items.
    const support::ThreadLimit limit(started, std::chrono::milliseconds(20));
    CHECK_THROWS_AS(pipe.results(), std::system_error);
    CHECK(limit.reached());
}

TEST_CASE("break ends a keyed run whose source has ended while workers are idle",
          "[partition_by]") {
    std::latch full(1);
    auto source = stage({.qsize = 0}, [&]() -> generator<int> {
        for (int i : up_to(60)) co_yield i;
        full.count_down();
    });
    const auto busy = [&](Input<int> in) -> generator<Seen> {
        full.wait();
        for (int x : in) {
            co_yield Seen{x, 0};
            while (x == 5 && !this_worker::stop_token().stop_requested()) std::this_thread::yield();
        }
    };
    int last = -1;
    for (const Seen& seen :
         (source | keyed({.workers = 3, .qsize = 0}, busy, modulo(1))).results()) {
        last = seen.item;
        if (last != 5) continue;
        support::give_it_a_chance();
        break;
    }
    CHECK(last == 5);
}

}  // namespace partition_by_tests
