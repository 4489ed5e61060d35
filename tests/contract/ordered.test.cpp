#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/outcome.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <ranges>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Ordered stages: results leave in the order of the input, with several workers, errors, early returns and
// OnError::finish.
namespace contract_ordered_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Tally;
using support::up_to;

namespace {

/// An item that can be moved once; if it `stays`, a second move throws.
struct Stubborn {
    Stubborn(int v, bool s) : value(v), stays(s) {}
    Stubborn(Stubborn&& other) : value(other.value), stays(other.stays), moves(other.moves + 1) {
        if (stays && moves == 2) throw std::runtime_error("cannot be moved");
    }
    Stubborn& operator=(Stubborn&&) = delete;
    int value;
    bool stays;
    int moves = 0;
};

/// Spins for a time that differs from item to item.
void stagger(int x) {
    const unsigned turns = (static_cast<unsigned>(x) * 2654435761U >> 22) % 600;
    for (unsigned i = 0; i < turns; ++i) detail::cpu_pause();
    if (turns % 7 == 0) std::this_thread::yield();
}

template <class Pipe>
auto all(const Pipe& pipe) {
    std::vector<int> out;
    for (auto& x : pipe.results()) out.push_back(x);
    return out;
}

constexpr int many = support::sanitized ? 2000 : 20000;

}  // namespace

TEST_CASE("an ordered map keeps the order of its input", "[contract][ordered]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U, 9U);
    const std::size_t qsize = GENERATE(1U, 2U, 8U, 64U, 0U);
    auto slow = map_stage({.workers = workers, .qsize = qsize, .ordered = true}, [](int x) {
        stagger(x);
        return x;
    });
    CHECK(all(std::views::iota(0, many / 10) | slow) == up_to(many / 10));
}

TEST_CASE("order holds with filters and flat-maps inside", "[contract][ordered]") {
    const std::size_t qsize = GENERATE(1U, 5U, 100U);
    auto some = stage({.workers = 3, .qsize = qsize, .ordered = true},
                      [](Input<int> in) -> generator<int> {
                          for (int x : in) {
                              stagger(x);
                              for (int i = 0; i < x % 4; ++i) co_yield x;
                          }
                      });
    std::vector<int> expected;
    for (int x = 0; x < many / 10; ++x) expected.insert(expected.end(), std::size_t(x % 4), x);
    CHECK(all(std::views::iota(0, many / 10) | some) == expected);
}

TEST_CASE("at most qsize results wait for a slow first item", "[contract][ordered]") {
    const std::size_t qsize = GENERATE(1U, 4U, 32U);
    const std::size_t workers = 3;
    std::atomic<int> begun{0};
    std::latch release(1);
    auto held = map_stage({.workers = workers, .qsize = qsize, .ordered = true}, [&](int x) {
        ++begun;
        if (x == 0) release.wait();
        return x;
    });
    auto results = (std::views::iota(0, 1000) | held).results();
    // As many results as may wait, and one item in each worker, the first item among them.
    const int most = static_cast<int>(qsize + workers);
    const bool far = comes_true([&] { return begun >= std::min(most, 3); });
    support::give_it_a_chance();
    const int seen = begun;
    release.count_down();
    std::vector<int> out;
    for (int x : results) out.push_back(x);
    CHECK(far);
    CHECK(seen <= most);
    CHECK(out == up_to(1000));
}

TEST_CASE("the worker with the earliest item passes its results on at once", "[contract][ordered]") {
    // The worker yields one result and waits until the consumer has it, while later results are ready.
    std::binary_semaphore seen(0);
    auto echo = stage({.workers = 2, .qsize = 1, .ordered = true},
                      [&](Input<int> in) -> generator<int> {
                          for (int x : in) {
                              co_yield x;
                              if (x == 0) seen.acquire();
                              co_yield x;
                          }
                      });
    std::vector<int> out;
    for (int x : (std::views::iota(0, 4) | echo).results()) {
        if (out.empty()) seen.release();
        out.push_back(x);
    }
    CHECK(out == std::vector{0, 0, 1, 1, 2, 2, 3, 3});
}

TEST_CASE("a result that waits for an earlier item leaves as soon as that item is done", "[contract][ordered]") {
    // The second worker has yielded and then waits; its result must not wait for its next action.
    std::latch second_yielded(1);
    std::binary_semaphore have_both(0);
    auto pausing = stage({.workers = 2, .qsize = 8, .ordered = true},
                         [&](Input<int> in) -> generator<int> {
                             for (int x : in) {
                                 if (x == 0) second_yielded.wait();
                                 co_yield x;
                                 if (x == 1) {
                                     second_yielded.count_down();
                                     have_both.acquire();
                                 }
                             }
                         });
    std::vector<int> out;
    for (int x : (std::views::iota(0, 2) | pausing).results()) {
        out.push_back(x);
        if (out.size() == 2) have_both.release();
    }
    CHECK(out == std::vector{0, 1});
}

TEST_CASE("asking for the next item completes the previous one, even if no next item is available",
          "[contract][ordered]") {
    // Both workers have an item; the source yields the next one only after the consumer has both results.
    std::latch both(2);
    std::binary_semaphore have_both(0);
    auto pausing = stage([&]() -> generator<int> {
        co_yield 0;
        co_yield 1;
        have_both.acquire();
    });
    auto pass = stage({.workers = 2, .qsize = 8, .ordered = true},
                      [&](Input<int> in) -> generator<int> {
                          for (int x : in) {
                              both.arrive_and_wait();
                              co_yield x;
                          }
                      });
    std::vector<int> out;
    for (int x : (pausing | pass).results()) {
        out.push_back(x);
        if (out.size() == 2) have_both.release();
    }
    CHECK(out == std::vector{0, 1});
}

TEST_CASE("results before the first and after the last item come first and last, by worker",
          "[contract][ordered]") {
    const std::size_t qsize = GENERATE(1U, 2U, 50U);
    auto framed = stage({.workers = 4, .qsize = qsize, .ordered = true},
                        [](Input<int> in) -> generator<int> {
                            const int me = static_cast<int>(this_worker::index());
                            stagger(10 - me);
                            co_yield -10 + me;
                            for (int x : in) {
                                stagger(x);
                                co_yield x;
                            }
                            stagger(5 * (4 - me));
                            co_yield 1000 + me;
                            co_yield 2000 + me;
                        });
    std::vector<int> expected = {-10, -9, -8, -7};
    for (int x = 0; x < 500; ++x) expected.push_back(x);
    for (int me = 0; me < 4; ++me) {
        expected.push_back(1000 + me);
        expected.push_back(2000 + me);
    }
    CHECK(all(std::views::iota(0, 500) | framed) == expected);
}

TEST_CASE("an ordered source with several workers yields by worker", "[contract][ordered]") {
    auto source = stage({.workers = 3, .qsize = 2, .ordered = true}, []() -> generator<int> {
        const int me = static_cast<int>(this_worker::index());
        stagger(3 - me);
        for (int i = 0; i < 10; ++i) co_yield 10 * me + i;
    });
    CHECK(all(source) == up_to(30));
}

TEST_CASE("pipe.ordered() keeps order from the source to the consumer", "[contract][ordered]") {
    auto slow = map_stage({.workers = 3, .qsize = 4}, [](int x) {
        stagger(x);
        return x;
    });
    const auto plain = std::views::iota(0, many / 10) | slow | slow | slow;
    const auto ordered = plain.ordered();
    CHECK(all(ordered) == up_to(many / 10));
    CHECK(all(ordered) == up_to(many / 10));
    CHECK_FALSE(plain.stages().back().setup.ordered.value_or(false));
}

TEST_CASE("with an error exactly the results of the items before it leave an ordered stage",
          "[contract][ordered]") {
    const std::size_t workers = GENERATE(1U, 2U, 5U);
    const std::size_t qsize = GENERATE(1U, 8U, 0U);
    const int failing = GENERATE(0, 1, 77, 499);
    auto breaking = map_stage({.workers = workers, .qsize = qsize, .ordered = true, .name = "breaking"},
                              [=](int x) {
                                  // Items after the failing one are faster than the items before it.
                                  if (x < failing) stagger(x);
                                  if (x == failing) throw std::domain_error("no");
                                  return x;
                              });
    std::vector<int> out;
    std::string stage_name;
    try {
        for (int x : (std::views::iota(0, 100000) | breaking).results()) out.push_back(x);
    } catch (const TaskException& e) {
        stage_name = e.stage();
    }
    CHECK(stage_name == "breaking");
    CHECK(out == up_to(failing));
}

TEST_CASE("with an error the failing item's results leave an ordered stage, results of later items do not",
          "[contract][ordered]") {
    std::latch ready(2);    // the results of 1 and 2 wait for the result of 0
    std::latch unwound(2);  // their workers have ended, the second one because of the first one's error
    struct Leaves {
        std::latch& unwound;
        ~Leaves() { unwound.count_down(); }
    };
    auto source = stage([&]() -> generator<int> {
        for (int i = 0; i < 3; ++i) co_yield i;
        unwound.wait();
    });
    auto breaking = stage({.workers = 3, .qsize = 8, .ordered = true},
                          [&](Input<int> in) -> generator<int> {
                              std::optional<Leaves> leaves;
                              for (int x : in) {
                                  if (x == 0)
                                      unwound.wait();
                                  else
                                      leaves.emplace(unwound);
                                  co_yield x;
                                  if (x != 0) ready.count_down();
                                  if (x == 1) {
                                      ready.wait();
                                      throw std::domain_error("no");
                                  }
                              }
                          });
    std::vector<int> out;
    bool threw = false;
    try {
        for (int x : (source | breaking).results()) out.push_back(x);
    } catch (const TaskException&) {
        threw = true;
    }
    CHECK(threw);
    CHECK(out == std::vector{0, 1});
}

TEST_CASE("a result whose move throws ends an ordered stage's results before it",
          "[contract][ordered]") {
    struct Result {
        explicit Result(int v) : value(v) {}
        Result(Result&& other) : value(other.value), moves(other.moves + 1) {
            if (value == 3 && moves == 2) throw std::runtime_error("three");  // parked, and passed on
        }
        Result& operator=(Result&&) = delete;
        int value;
        int moves = 0;
    };
    const bool returns = GENERATE(false, true);  // the worker that passes it on has left its loop
    const bool finish = GENERATE(false, true);
    const int items = GENERATE(12, 1'000'000'000);
    std::latch parked(1);
    auto source = stage({.qsize = 64}, [=]() -> generator<int> {
        for (int i = 0; i < items; ++i) co_yield i;
    });
    auto delayed = stage({.workers = 3,
                          .qsize = 64,
                          .ordered = true,
                          .on_error = finish ? OnError::finish : OnError::stop},
                         [&](Input<int> in) -> generator<Result> {
                             for (int x : in) {
                                 if (x == 0 || x > 3) parked.wait();  // later items take no slots
                                 co_yield Result(x);
                                 if (x == 3) parked.count_down();
                                 if (x == 0 && returns) co_return;
                             }
                         });
    std::vector<int> seen;
    std::string error;
    try {
        for (const Result& result : (source | delayed).results()) seen.push_back(result.value);
    } catch (const TaskException& e) {
        error = e.what();
    }
    CHECK(seen == up_to(3));
    CHECK(error.find("three") != std::string::npos);
}

TEST_CASE("the front of an ordered stage continues if there is a free slot and an idle reader",
          "[contract][ordered]") {
    for (int round = 0; round < 30; ++round) {
        std::atomic<int> parked{0};
        std::atomic<bool> second_is_there{false};
        auto front_waits = stage(
            {.workers = 4, .qsize = 4, .ordered = true}, [&](Input<int> in) -> generator<int> {
                for (int x : in) {
                    if (x == 0) {
                        while (parked < 3) std::this_thread::yield();
                        co_yield 1000;
                        co_yield 1001;
                    } else {
                        co_yield int{x};
                        ++parked;
                    }
                }
            });
        auto first_waits_for_second = stage({.workers = 2}, [&](Input<int> in) {
            for (int x : in) {
                if (x == 1000)
                    while (!second_is_there) std::this_thread::sleep_for(std::chrono::microseconds(50));
                if (x == 1001) second_is_there = true;
            }
        });
        (std::vector{0, 1, 2, 3} | front_waits | first_waits_for_second).execute();
        REQUIRE(second_is_there);
    }
}

TEST_CASE("an error in an ordered stage ends an endless source whose items leave no more results",
          "[contract][ordered]") {
    auto few = filter({.workers = 3, .ordered = true}, [](int x) {
        if (x == 100) throw std::domain_error("no");
        return x < 3;
    });
    std::vector<int> out;
    bool threw = false;
    try {
        for (int x : (std::views::iota(0) | few).results()) out.push_back(x);
    } catch (const TaskException&) {
        threw = true;
    }
    CHECK(threw);
    CHECK(out == up_to(3));
}

TEST_CASE("an error in an ordered stage ends an endless source", "[contract][ordered]") {
    auto breaking = map_stage({.workers = 3, .ordered = true}, [](int x) {
        if (x == 100) throw std::domain_error("no");
        return x;
    });
    auto after = map_stage({.workers = 2, .ordered = true}, [](int x) { return x; });
    std::vector<int> out;
    bool threw = false;
    try {
        for (int x : (std::views::iota(0) | breaking | after).results()) out.push_back(x);
    } catch (const TaskException&) {
        threw = true;
    }
    CHECK(threw);
    CHECK(out == up_to(100));
}

TEST_CASE("an error in an ordered stage stops workers that wait for a stop, before and after it",
          "[contract][ordered]") {
    const std::string waits = GENERATE("a sibling", "the source", "the range");
    std::atomic<bool> was_stopped{false};
    std::latch waiting(1);
    const auto wait_for_stop = [&] {
        const std::stop_token stop = this_worker::stop_token();
        waiting.count_down();
        was_stopped = comes_true([&] { return stop.stop_requested(); });
    };
    auto breaking = map_stage({.workers = 2, .ordered = true}, [&](int x) {
        if (x == 2) {
            waiting.wait();
            throw std::domain_error("no");
        }
        if (x == 3 && waits == "a sibling") wait_for_stop();
        return x;
    });
    auto source = stage([&]() -> generator<int> {
        for (int i = 0; i < 4; ++i) {
            if (i == 3 && waits == "the source") wait_for_stop();
            co_yield i;
        }
    });
    auto range = std::views::iota(0, 4) | std::views::transform([&](int i) {
                     if (i == 3) wait_for_stop();
                     return i;
                 });
    const support::Outcome outcome = waits == "the range" ? support::outcome_of(range | breaking)
                                                          : support::outcome_of(source | breaking);
    CHECK(was_stopped);
    CHECK(outcome.items == up_to(2));
    CHECK(outcome.failed_at == 2);
}

TEST_CASE("an item that a worker leaves before a failing item still reaches its siblings",
          "[contract][ordered]") {
    constexpr int before = 1, failing = 2;  // and 0 is left
    std::latch left_is_taken(1);
    std::latch before_is_taken(1);
    std::latch thrown(1);
    std::latch gone(1);
    auto work = stage({.workers = 3, .ordered = true}, [&](Input<int> in) -> generator<int> {
        if (this_worker::index() == 0) {
            auto it = in.begin();
            if (it == in.end()) co_return;  // claims an item but does not read it
            left_is_taken.count_down();
            thrown.wait();
            support::give_it_a_chance();
            gone.count_down();
            co_return;
        }
        left_is_taken.wait();
        if (this_worker::index() == 2) before_is_taken.wait();
        for (int x : in) {
            if (x == failing) {
                thrown.count_down();
                throw std::domain_error("no");
            }
            if (x == before) {
                before_is_taken.count_down();
                gone.wait();
                support::give_it_a_chance();
            }
            co_yield x;
        }
    });
    const support::Outcome outcome = support::outcome_of(up_to(5) | work);
    CHECK(outcome.items == up_to(failing));
    CHECK(outcome.failed_at == failing);
}

TEST_CASE("workers that return early leave no gap before a failing item", "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    const std::size_t qsize = GENERATE(3U, 1024U);
    const int rounds = support::sanitized ? 20 : 40;
    for (int round = 0; round < rounds; ++round) {
        const int failing = 1 + 37 * round;
        auto work = stage({.workers = 5, .qsize = qsize, .ordered = true},
                          [=](Input<int> in) -> generator<int> {
                              int turns = 1 + round * static_cast<int>(this_worker::index());
                              for (int x : in) {
                                  if (x == failing) throw std::domain_error("no");
                                  co_yield x;
                                  if (this_worker::index() > 2 && --turns == 0) co_return;
                              }
                          });
        const auto key = [](int x) { return x % 50; };
        const auto numbers = stage([]() -> generator<int> {
            for (int i = 0;; ++i) co_yield int{i};
        });
        const support::Outcome outcome = keyed ? support::outcome_of(numbers | work.partition_by(key))
                                               : support::outcome_of(numbers | work);
        REQUIRE(outcome.items == up_to(failing));
        REQUIRE(outcome.failed_at == failing);
    }
}

TEST_CASE(
    "with an error nothing leaves an ordered stage after an item that no worker is left to read",
    "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    constexpr int left = 0, result = 1, failing = 2;
    // Worker 0 claims item 0, does not read it and leaves after its sibling has failed at a later item.
    std::latch left_is_taken(1);
    std::latch sibling_is_gone(1);
    auto work = stage({.workers = 2, .ordered = true}, [&](Input<int> in) -> generator<int> {
        if (this_worker::index() == 0) {
            auto at = in.begin();
            if (at == in.end()) co_return;
            left_is_taken.count_down();
            sibling_is_gone.wait();
            co_return;
        }
        left_is_taken.wait();
        for (int x : in) {
            if (x == failing) throw std::domain_error("no");
            co_yield int{x};
        }
    });
    if (keyed) {
        // Finds a key of worker 0; keys belong to the same worker in every run.
        auto tell =
            map_stage({.workers = 2}, [](int) { return static_cast<int>(this_worker::index()); });
        tell.partition_by([](int x) { return x; });
        const std::vector<int> workers =
            all(std::views::iota(0, 20) | tell.setup({.ordered = true}));
        const auto key_of = [&](int worker) {
            return static_cast<int>(std::ranges::find(workers, worker) - workers.begin());
        };
        work.partition_by(
            [first = key_of(0), second = key_of(1)](int x) { return x == left ? first : second; });
    }
    auto results = (std::vector{left, result, failing} | work).results();
    CHECK(comes_true(
        [&] { return results.stats().stages.back().each[1].activity == Activity::ended; }));
    sibling_is_gone.count_down();
    const support::Outcome outcome = support::outcome_of(results);
    CHECK(outcome.items.empty());
    CHECK(outcome.failed_at == failing);
}

TEST_CASE("a stage function can continue after an item whose move threw", "[contract][ordered]") {
    const bool keyed = GENERATE(false, true);
    const std::size_t workers = GENERATE(1U, 3U);
    std::atomic<int> caught{0};
    auto source = stage([]() -> generator<Stubborn> {
        for (int i = 0; i < 100; ++i) co_yield Stubborn(i, i % 5 == 3);
    });
    auto work = stage({.workers = workers, .qsize = 4, .ordered = true},
                      [&](Input<Stubborn> in) -> generator<int> {
                              for (bool at_end = false; !at_end;) {
                                  try {
                                      for (Stubborn& item : in) co_yield int{item.value};
                                      at_end = true;
                                  } catch (const std::runtime_error&) {
                                      ++caught;
                                  }
                              }
                          });
    const auto key = [](const Stubborn& item) { return item.value; };
    const support::Outcome outcome = keyed ? support::outcome_of(source | work.partition_by(key))
                                           : support::outcome_of(source | work);
    std::vector<int> expected = up_to(100);
    std::erase_if(expected, [](int x) { return x % 5 == 3; });
    CHECK(outcome.text.empty());
    CHECK(outcome.items == expected);
    CHECK(caught == 20);
}

TEST_CASE("one worker that returns early does not block an ordered stage", "[contract][ordered]") {
    const std::size_t qsize = GENERATE(1U, 3U, 64U);
    auto leaving = stage({.workers = 3, .qsize = qsize, .ordered = true},
                         [](Input<int> in) -> generator<int> {
                             int taken = 0;
                             for (int x : in) {
                                 co_yield x;
                                 if (this_worker::index() != 2 && ++taken == 20) co_return;
                             }
                         });
    CHECK(all(std::views::iota(0, many / 10) | leaving) == up_to(many / 10));
}

TEST_CASE("leaving the results of an ordered stage early neither hangs nor leaks",
          "[contract][ordered]") {
    const std::size_t qsize = GENERATE(1U, 16U, 0U);
    Tally tally;
    {
        auto source = stage({.qsize = qsize}, [&]() -> generator<Counted> {
            for (int i = 0;; ++i) co_yield Counted(tally, i);
        });
        auto slow = map_stage({.workers = 4, .qsize = qsize, .ordered = true}, [](Counted c) {
            stagger(c.value);
            return c;
        });
        const auto pipe = source | slow;
        for (int round = 0; round < 20; ++round) {
            int expected = 0;
            bool in_order = true;
            for (auto& item : pipe.results()) {
                in_order = in_order && item.value == expected;
                if (++expected == 50) break;
            }
            CHECK(in_order);
        }
        auto results = pipe.results();
        results.cancel();
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    CHECK(tally.alive == 0);
    CHECK(tally.copies == 0);
}

TEST_CASE("a worker whose results wait for an earlier item is unwound at its next yield",
          "[contract][ordered]") {
    std::latch waits(1);
    std::atomic<int> yields_after_stop{0};
    auto spread = stage({.workers = 2, .qsize = 0, .ordered = true},
                        [&](Input<int> in) -> generator<int> {
                            for (int x : in) {
                                const std::stop_token stop = this_worker::stop_token();
                                if (x == 0) {
                                    while (!stop.stop_requested()) std::this_thread::yield();
                                    continue;
                                }
                                bool first = true;
                                while (yields_after_stop != 100) {
                                    if (stop.stop_requested()) ++yields_after_stop;
                                    co_yield x;
                                    if (std::exchange(first, false)) waits.count_down();
                                }
                            }
                        });
    auto results = (std::vector{0, 1} | spread).results();
    waits.wait();
    results.cancel();
    CHECK(yields_after_stop <= 1);
}

TEST_CASE("move-only items keep order", "[contract][ordered]") {
    auto make = map_stage({.workers = 3, .qsize = 2, .ordered = true}, [](int x) {
        stagger(x);
        return std::make_unique<int>(x);
    });
    auto pass = map_stage({.workers = 3, .qsize = 2, .ordered = true}, [](std::unique_ptr<int> p) {
        stagger(*p / 2);
        return p;
    });
    int expected = 0;
    bool in_order = true;
    for (auto& p : (std::views::iota(0, 1000) | make | pass).results())
        in_order = in_order && *p == expected++;
    CHECK(in_order);
    CHECK(expected == 1000);
}

TEST_CASE("OnError::finish loses only the failing worker", "[contract][finish]") {
    const bool ordered = GENERATE(false, true);
    auto source = map_stage({.workers = 3, .ordered = ordered, .name = "m", .on_error = OnError::finish},
                            [](int x) {
                                stagger(x);
                                if (x == 100 || x == 200) throw std::runtime_error(std::to_string(x));
                                return x;
                            });
    std::vector<int> out;
    std::vector<std::string> messages;
    try {
        for (int x : (std::views::iota(0, 1000) | source).results()) out.push_back(x);
    } catch (const TaskException& e) {
        for (const TaskError& error : e.errors()) messages.push_back(error.message());
    }
    std::vector<int> expected = up_to(1000);
    std::erase(expected, 100);
    std::erase(expected, 200);
    if (!ordered) std::ranges::sort(out);
    std::ranges::sort(messages);
    CHECK(out == expected);
    CHECK(messages == std::vector<std::string>{"std::runtime_error: 100", "std::runtime_error: 200"});
}

TEST_CASE("with OnError::finish items that a lost worker had not read reach its siblings",
          "[contract][finish]") {
    // Short work per item, so the lost workers have taken items ahead.
    const int count = support::sanitized ? 4000 : 20000;
    for (int round = 0; round < 10; ++round) {
        auto read = stage({.workers = 4, .on_error = OnError::finish},
                          [](Input<int> in) -> generator<int> {
                              int n = 0;
                              for (int x : in) {
                                  co_yield x;
                                  if (this_worker::index() != 0 && ++n == 700) throw x;
                              }
                          });
        std::vector<int> out;
        try {
            for (int x : (std::views::iota(0, count) | read).results()) out.push_back(x);
        } catch (const TaskException&) {
        }
        std::ranges::sort(out);
        CHECK(out == up_to(count));
    }
}

TEST_CASE("when all workers are lost the rest of the input is consumed and ignored",
          "[contract][finish]") {
    const bool ordered = GENERATE(false, true);
    const std::size_t workers = GENERATE(1U, 2U);
    std::atomic<int> produced{0};
    auto source = stage({.qsize = 4}, [&]() -> generator<int> {
        for (int i = 0; i < 1000; ++i) {
            ++produced;
            co_yield i;
        }
    });
    auto failing = map_stage({.workers = workers, .ordered = ordered, .on_error = OnError::finish},
                             [](int x) -> int {
                                 if (x >= 10) throw std::runtime_error("all fail");
                                 return x;
                             });
    std::vector<int> out;
    std::size_t errors = 0;
    try {
        for (int x : (source | failing).results()) out.push_back(x);
    } catch (const TaskException& e) {
        errors = e.errors().size();
    }
    std::ranges::sort(out);
    CHECK(errors == workers);
    CHECK(produced == 1000);
    CHECK(out == up_to(10));
}

TEST_CASE("the rest of the input is not read if one worker was lost and the other has returned",
          "[contract][finish]") {
    const bool lost_last = GENERATE(false, true);
    std::latch first_is_gone(1);
    auto source = stage([]() -> generator<int> {
        for (int i = 0;; ++i) co_yield std::move(i);  // endless
    });
    auto ends = stage({.workers = 2, .on_error = OnError::finish}, [&](Input<int> in) -> generator<int> {
        struct Leaving {
            std::latch* gone;
            ~Leaving() {
                if (gone) gone->count_down();
            }
        };
        for (int x : in) {
            co_yield x;
            const bool is_first = this_worker::index() == 0;
            const Leaving leaving{is_first ? &first_is_gone : nullptr};
            if (!is_first) {
                first_is_gone.wait();
                support::give_it_a_chance();
            }
            if (is_first != lost_last) throw std::runtime_error("lost");
            co_return;
        }
    });
    CHECK(support::outcome_of(source | ends).text.find("lost") != std::string::npos);
}

TEST_CASE("when all workers are lost, items whose move throws are ignored too", "[contract][finish]") {
    const bool keyed = GENERATE(false, true);
    int made = 0;
    auto source = stage({.qsize = 4}, [&]() -> generator<Stubborn> {
        for (; made < 500; ++made) co_yield Stubborn(made, made % 10 == 9);
    });
    auto read = stage({.workers = 2, .on_error = OnError::finish}, [](Input<Stubborn> in) -> generator<int> {
        for (const Stubborn& item : in) co_yield int{item.value};
    });
    const auto key = [](const Stubborn& item) { return item.value; };
    const std::string text =
        keyed ? support::outcome_of(source | read.partition_by(key)).text
              : support::outcome_of(source | read).text;
    CHECK(text.find("cannot be moved") != std::string::npos);
    CHECK(made == 500);
}

TEST_CASE("a source that fails with OnError::finish ends its stream normally", "[contract][finish]") {
    auto source = stage({.workers = 2, .on_error = OnError::finish}, []() -> generator<int> {
        for (int i = 0; i < 5; ++i) {
            if (this_worker::index() == 1 && i == 2) throw std::runtime_error("lost");
            co_yield i;
        }
    });
    std::size_t out = 0;
    std::size_t errors = 0;
    try {
        for ([[maybe_unused]] int x : source.results()) ++out;
    } catch (const TaskException& e) {
        errors = e.errors().size();
    }
    CHECK(out == 7);
    CHECK(errors == 1);
}

/// A stage function that counts its items; it uses two loops, or compares twice with the end.
generator<int> counts(Input<int> in, bool in_two_loops) {
    int items = 0;
    if (in_two_loops) {
        for (int x : in) items += x;
        for (int x : in) items += x;
    } else {
        for (auto it = in.begin(); it != in.end(); ++it) items += it != in.end() ? *it : 0;
    }
    co_yield items;
}

TEST_CASE("a stage function that meets the end of its Input twice may still yield", "[ordered]") {
    const bool in_two_loops = GENERATE(false, true);
    const std::vector<int> ones(100, 1);
    auto plain = stage({.workers = 2, .ordered = true}, counts)(in_two_loops);
    auto keyed = plain;
    keyed.partition_by([n = 0](int) mutable { return n++; });
    const auto sum = reduce(0, std::plus<>());
    CHECK((ones | plain | sum).execute() == 100);
    CHECK((ones | keyed | sum).execute() == 100);
    CHECK((fuse({.workers = 2, .ordered = true}, ones | plain) | sum).execute() == 100);
}

TEST_CASE("a late item is not mixed with the results after the end of the input", "[ordered]") {
    constexpr int each = 2'000;
    std::atomic<int> at_end = 0;
    std::atomic<bool> has_begun = false;
    std::atomic<bool> has_left = false;
    std::atomic<int> waited_in_vain = 0;
    // One worker claims the item, does not read it and leaves late. Meanwhile another has met the end and yields its
    // last results, and a third one asks for items again.
    struct leaving {
        std::atomic<bool>& has_left;
        ~leaving() { has_left = true; }
    };
    const auto work = stage({.workers = 3, .ordered = true}, [&](Input<int> in) -> generator<int> {
        if (in.begin() != in.end()) {
            const leaving late{has_left};
            if (!comes_true([&] { return has_begun.load(); })) ++waited_in_vain;
            co_return;
        }
        const bool is_first = at_end++ == 0;
        if (is_first) has_begun = true;
        if (!comes_true([&] { return has_left.load(); })) ++waited_in_vain;
        if (is_first) {
            for (int i = 0; i < each; ++i) co_yield i;
        } else {
            support::give_it_a_chance();
            for (int x : in)
                for (int i = 0; i < each; ++i) co_yield x + i;
        }
    });
    std::vector<int> results;
    for (int x : (std::vector{each} | work).results()) results.push_back(x);
    CHECK(waited_in_vain == 0);
    // Whether the third worker gets the item depends on the scheduling.
    CHECK((results.size() == each || results.size() == 2 * each));
    if (!results.empty() && results.front() == each)
        std::ranges::rotate(results, results.begin() + each);  // moves the results of the other worker to the end
    CHECK(std::ranges::equal(results, std::views::iota(0, static_cast<int>(results.size()))));
}

TEST_CASE("a function that takes items before it returns its range keeps their order", "[ordered]") {
    const bool is_keyed = GENERATE(false, true);
    // The first item that a worker takes is its header.
    auto after_header = stage({.workers = 2, .qsize = 16, .ordered = true}, [](Input<int> in) {
        auto it = in.begin();
        if (it != in.end()) ++it;
        return std::move(in) | std::views::transform([](int x) { return x; });
    });
    if (is_keyed) after_header.partition_by([](int x) { return x; });
    std::vector<int> results;
    for (int x : (std::views::iota(0, 1'000) | after_header).results()) results.push_back(x);
    CHECK(results.size() >= 998);
    CHECK(std::ranges::is_sorted(results));
}

}  // namespace contract_ordered_tests
