#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/process.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Exceptions in every part of a pipeline: which results the consumer still gets, which error it sees, and that no item
// or thread is left.

// Types with names as in user code; the messages contain these names.
namespace shop {
struct OutOfStock {
    int article;
};
struct Closed : std::logic_error {
    using std::logic_error::logic_error;
};
}  // namespace shop

namespace contract_exceptions_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Fragile;
using support::FragileState;
using support::Fuse;
using support::Tally;

namespace {

generator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) co_yield i;
}

generator<int> pass(Input<int> items) {
    for (int x : items) co_yield x;
}

/// The results of a run and its error.
struct Outcome {
    std::vector<int> results;
    std::optional<TaskException> error;
};
template <class Pipe>
Outcome outcome_of(const Pipe& pipe) {
    Outcome outcome;
    try {
        for (int x : pipe.results()) outcome.results.push_back(x);
    } catch (const TaskException& e) {
        outcome.error = e;
    }
    return outcome;
}

std::vector<int> first_numbers(int count) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i) all.push_back(i);
    return all;
}

bool is_prefix(const std::vector<int>& results) {
    return results == first_numbers(static_cast<int>(results.size()));
}

}  // namespace

// ---- where the exception is thrown -------------------------------------------------------------

TEST_CASE("an exception in a source reaches the consumer after the source's results",
          "[contract][exceptions]") {
    const int at = GENERATE(0, 1, 100);
    const auto outcome = outcome_of(stage({.name = "producer"}, [at]() -> generator<int> {
        for (int i = 0; i < at; ++i) co_yield i;
        throw std::invalid_argument("failed at " + std::to_string(at));
    }));
    CHECK(outcome.results == first_numbers(at));  // the source is also the last stage
    REQUIRE(outcome.error);
    CHECK(outcome.error->what() ==
          "The task \"producer-0\" raised std::invalid_argument: failed at " + std::to_string(at));
}

TEST_CASE("an exception at any item of any stage stops the run and reaches the consumer",
          "[contract][exceptions]") {
    const std::size_t position = GENERATE(0U, 1U, 2U);
    const int at = GENERATE(0, 1, 50, 999);
    const std::size_t workers = GENERATE(1U, 3U);
    std::vector<Stage<int, int>> stages;
    for (std::size_t i = 0; i < 3; ++i) {
        const int fails_at = i == position ? at : -1;
        stages.push_back(
            stage({.workers = workers}, [fails_at](Input<int> items) -> generator<int> {
                for (int x : items) {
                    if (x == fails_at) throw std::out_of_range("at " + std::to_string(x));
                    co_yield x;
                }
            }));
    }
    const auto pipe = Stage(numbers, 1000) | stages[0] | stages[1] | stages[2];
    auto outcome = outcome_of(pipe);
    REQUIRE(outcome.error);
    CHECK(outcome.error->stage() == "stage_" + std::to_string(position + 1));
    CHECK(outcome.error->worker() < workers);
    CHECK(outcome.error->task() ==
          outcome.error->stage() + "-" + std::to_string(outcome.error->worker()));
    CHECK(outcome.error->errors().size() == 1);
    CHECK_THROWS_AS(outcome.error->rethrow_cause(), std::out_of_range);
    std::sort(outcome.results.begin(), outcome.results.end());
    CHECK(std::adjacent_find(outcome.results.begin(), outcome.results.end()) ==
          outcome.results.end());
    CHECK(std::find(outcome.results.begin(), outcome.results.end(), at) == outcome.results.end());
    if (workers == 1) CHECK(is_prefix(outcome.results));
    CHECK_THROWS_AS(pipe.execute(), TaskException);
}

TEST_CASE("an exception after a stage's loop reaches the consumer after all results",
          "[contract][exceptions]") {
    const auto outcome =
        outcome_of(std::views::iota(0, 100) | stage([](Input<int> items) -> generator<int> {
                       for (int x : items) co_yield x;
                       throw std::runtime_error("finish");
                   }));
    CHECK(outcome.results == first_numbers(100));
    REQUIRE(outcome.error);
    CHECK(outcome.error->what() ==
          std::string("The task \"stage_0-0\" raised std::runtime_error: finish"));
}

TEST_CASE("an exception before a stage's loop, or in a function that is no coroutine, is reported",
          "[contract][exceptions]") {
    const auto before =
        outcome_of(std::views::iota(0) | stage([](Input<int> items) -> generator<int> {
                       if (this_worker::index() == 0) throw std::runtime_error("early");
                       for (int x : items) co_yield x;
                   }));
    REQUIRE(before.error);
    CHECK(before.results.empty());
    const auto plain = outcome_of(std::views::iota(0) | stage([](Input<int>) -> std::vector<int> {
                                      throw std::runtime_error("no coroutine");
                                  }));
    REQUIRE(plain.error);
    CHECK(plain.error->errors().front().message() == "std::runtime_error: no coroutine");
}

TEST_CASE("an exception in a sink is thrown by execute()", "[contract][exceptions]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const auto pipe = std::views::iota(0) | stage(pass) |
                      stage({.workers = workers, .name = "store"}, [](Input<int> items) {
                          for (int x : items)
                              if (x == 500) throw shop::Closed("at five");
                      });
    for (int round = 0; round < 3; ++round) {
        try {
            pipe.execute();
            FAIL("no exception");
        } catch (const TaskException& e) {
            CHECK(e.stage() == "store");
            CHECK_THROWS_AS(e.rethrow_cause(), shop::Closed);
        }
    }
}

TEST_CASE("an exception in the range on the left is reported as that of the source",
          "[contract][exceptions]") {
    const int at = GENERATE(0, 1, 500);
    SECTION("in the dereference") {
        const auto range = std::views::iota(0) | std::views::transform([at](int i) {
                               if (i == at) throw std::range_error("left");
                               return i;
                           });
        const auto outcome = outcome_of(range | stage(pass));
        REQUIRE(outcome.error);
        CHECK(outcome.error->what() ==
              std::string("The task \"source-0\" raised std::range_error: left"));
        CHECK(is_prefix(outcome.results));
    }
    SECTION("in begin() and ++") {
        auto range = std::views::iota(0) | std::views::filter([at](int i) {
                         if (i == at) throw std::range_error("left");
                         return true;
                     });
        const auto outcome = outcome_of(range | stage(pass));
        REQUIRE(outcome.error);
        CHECK(outcome.error->task() == "source-0");
        CHECK(is_prefix(outcome.results));
    }
    SECTION("in a generator") {
        auto range = [](int n) -> generator<int> {
            for (int i = 0; i < n; ++i) co_yield i;
            throw std::range_error("left");
        };
        const auto outcome = outcome_of(range(at) | stage(pass));
        REQUIRE(outcome.error);
        CHECK(outcome.error->task() == "source-0");
        CHECK(is_prefix(outcome.results));
    }
}

TEST_CASE("an exception in the copy constructor of an element on the left is reported",
          "[contract][exceptions]") {
    Fuse fuse;
    {
        std::vector<Fragile> items;
        items.reserve(100);
        for (int i = 0; i < 100; ++i) items.emplace_back(fuse, i);
        const auto pipe = items | map_stage([](Fragile& f) { return f.value; });
        fuse.left = 1;
        auto outcome = outcome_of(pipe);
        REQUIRE(outcome.error);
        CHECK(outcome.error->task() == "source-0");
        CHECK(outcome.results.empty());
        fuse.left = -1;
        outcome = outcome_of(pipe);
        CHECK(!outcome.error);
        CHECK(outcome.results == first_numbers(100));
    }
    CHECK(fuse.alive == 0);
}

TEST_CASE("an exception in a worker's copy of the callable or of a bound argument is reported",
          "[contract][exceptions]") {
    Fuse fuse;
    const std::size_t workers = GENERATE(1U, 3U);
    const bool in_argument = GENERATE(false, true);
    std::optional<Stage<int, int>> fragile;
    if (in_argument)
        fragile.emplace(
            [](Input<int> items, const FragileState&) -> generator<int> {
                for (int x : items) co_yield x;
            },
            FragileState(fuse));
    else
        fragile.emplace([state = FragileState(fuse)](Input<int> items) -> generator<int> {
            for (int x : items) co_yield x;
        });
    fragile->setup({.workers = workers, .name = "copied"});
    const auto pipe = std::views::iota(0) | *fragile | stage(pass);
    fuse.left = static_cast<long>(workers);  // the last worker's copy fails
    auto outcome = outcome_of(pipe);
    REQUIRE(outcome.error);
    CHECK(outcome.error->stage() == "copied");
    CHECK(outcome.error->what() ==
          "The task \"" + outcome.error->task() + "\" raised std::runtime_error: burnt");
    fuse.left = -1;
    int count = 0;
    for ([[maybe_unused]] int x : pipe.results())
        if (++count == 100) break;
    CHECK(count == 100);
}

TEST_CASE(
    "an exception in the n-th move of an item, in any hop, ends the run and leaks no item",
    "[contract][exceptions]") {
    const std::size_t workers = GENERATE(1U, 3U);
    long most_moves = 0;
    for (long n = 1; n < 200; ++n) {
        Fuse fuse;
        std::vector<int> results;
        bool failed = false;
        {
            const auto pipe =
                Stage<void, Fragile>([&fuse]() -> generator<Fragile> {
                    for (int i = 0; i < 10; ++i) co_yield Fragile(fuse, i);
                }) |
                Stage<Fragile, Fragile>([](Input<Fragile> items) -> generator<Fragile> {
                    for (Fragile& f : items) co_yield std::move(f);
                }).setup({.workers = workers});
            fuse.left = n;
            try {
                for (Fragile& f : pipe.results()) results.push_back(f.value);
            } catch (const TaskException& e) {
                failed = true;
                CHECK(e.errors().size() == 1);
                CHECK_THROWS_AS(e.rethrow_cause(), std::runtime_error);
            }
            fuse.left = -1;
            if (failed) {
                int count = 0;
                for ([[maybe_unused]] Fragile& f : pipe.results()) ++count;
                CHECK(count == 10);
            }
        }
        CHECK(fuse.alive == 0);
        // An item whose move to the consumer threw is missing; the others are in order.
        if (workers == 1) CHECK(std::is_sorted(results.begin(), results.end()));
        if (!failed) {
            most_moves = n;
            CHECK(results.size() == 10);
            break;
        }
    }
    // All 10 items pass two hops; each is moved a few times a hop.
    CHECK(most_moves > 10);
}

TEST_CASE("an exception in the move to the consumer comes after the delivered results",
          "[contract][exceptions]") {
    // A single hop and a source that has ended: each move on the consumer's side fails in turn.
    for (long n = 1; n <= 10; ++n) {
        Fuse fuse;
        std::atomic<bool> done{false};
        auto results = Stage<void, Fragile>([&]() -> generator<Fragile> {
                           for (int i = 0; i < 10; ++i) co_yield Fragile(fuse, i);
                           done = true;
                       })
                           .setup({.name = "only"})
                           .results();
        CHECK(comes_true([&] { return done.load(); }));
        fuse.left = n;
        std::vector<int> values;
        bool failed = false;
        try {
            for (Fragile& f : results) values.push_back(f.value);
        } catch (const TaskException& e) {
            failed = true;
            CHECK_THROWS_AS(e.rethrow_cause(), std::runtime_error);
        }
        CHECK(failed);
        // The item whose move threw is lost; the others arrive in order.
        CHECK(values.size() == 9);
        CHECK(std::is_sorted(values.begin(), values.end()));
    }
}

TEST_CASE("an exception in the move of an item that a leaving worker gives back is reported",
          "[contract][exceptions]") {
    Fuse fuse;
    {
        const auto pipe = Stage<void, Fragile>([&fuse]() -> generator<Fragile> {
                              co_yield Fragile(fuse, 0);
                          }) |
                          stage({.workers = 2, .name = "leaving"},
                                [&fuse](Input<Fragile> items) -> generator<int> {
                                    // The worker does not read the item, so a sibling gets it.
                                    if (items.begin() != items.end()) fuse.left = 1;
                                    co_return;
                                });
        const auto outcome = outcome_of(pipe);
        REQUIRE(outcome.error);
        CHECK(outcome.error->stage() == "leaving");
        CHECK(outcome.error->errors().size() == 1);
        CHECK_THROWS_AS(outcome.error->rethrow_cause(), std::runtime_error);
    }
    CHECK(fuse.alive == 0);
}

TEST_CASE("an exception in a conversion between two stages is reported", "[contract][exceptions]") {
    struct Picky {
        Picky(int n) : value(n) {
            if (n == 30) throw std::domain_error("thirty");
        }
        int value;
    };
    const std::size_t workers = GENERATE(1U, 2U);
    const auto outcome = outcome_of(
        std::views::iota(0, 100) | stage(pass) |
        map_stage({.workers = workers, .name = "picky"}, [](const Picky& p) { return p.value; }));
    REQUIRE(outcome.error);
    CHECK(outcome.error->stage() == "picky");
    CHECK_THROWS_AS(outcome.error->rethrow_cause(), std::domain_error);
}

TEST_CASE("an exception in map_stage is reported with the worker that threw",
          "[contract][exceptions]") {
    const auto outcome =
        outcome_of(std::views::iota(0, 1000) | map_stage({.name = "add_one"}, [](int x) {
                       if (x == 200) throw std::invalid_argument("failed at 200");
                       return x;
                   }));
    REQUIRE(outcome.error);
    const TaskException& e = *outcome.error;
    CHECK(e.what() ==
          std::string("The task \"add_one-0\" raised std::invalid_argument: failed at 200"));
    CHECK(e.task() == "add_one-0");
    CHECK(e.stage() == "add_one");
    CHECK(e.worker() == 0);
    CHECK(outcome.results == first_numbers(200));
}

TEST_CASE("an exception in an infinite pipeline ends it", "[contract][exceptions]") {
    const std::size_t workers = GENERATE(1U, 4U);
    const std::size_t qsize = GENERATE(1U, 64U);
    std::atomic<int> destroyed{0};
    struct Guard {
        std::atomic<int>& destroyed;
        ~Guard() { ++destroyed; }
    };
    const Setup settings{.workers = workers, .qsize = qsize};
    const auto pipe = stage(settings,
                            [&]() -> generator<int> {
                                const Guard guard{destroyed};
                                for (int i = 0;; ++i) co_yield i;
                            }) |
                      stage(settings,
                            [&](Input<int> items) -> generator<int> {
                                const Guard guard{destroyed};
                                for (int x : items) {
                                    if (x == 1000) throw std::runtime_error("enough");
                                    co_yield x;
                                }
                            }) |
                      stage(settings, [&](Input<int> items) -> generator<int> {
                          const Guard guard{destroyed};
                          for (int x : items) co_yield x;
                      });
    CHECK_THROWS_AS(pipe.execute(), TaskException);
    CHECK(destroyed == static_cast<int>(3 * workers));
}

TEST_CASE("a failing run ends although its consumer does not read",
          "[contract][exceptions]") {
    std::atomic<int> unwound{0};
    struct Guard {
        std::atomic<int>& unwound;
        ~Guard() { ++unwound; }
    };
    std::atomic<bool> fail{false};
    auto results = (stage({.qsize = 1},
                          [&]() -> generator<int> {
                              const Guard guard{unwound};
                              for (int i = 0;; ++i) co_yield i;
                          }) |
                    stage({.workers = 2, .qsize = 1}, [&](Input<int> items) -> generator<int> {
                        const Guard guard{unwound};
                        for (int x : items) {
                            if (this_worker::index() == 1) {
                                fail.wait(false);
                                throw std::runtime_error("while others wait for slots");
                            }
                            co_yield x;
                        }
                    })).results();
    fail = true;
    fail.notify_all();
    CHECK(comes_true([&] { return unwound == 3; }));
    bool thrown = false;
    try {
        for ([[maybe_unused]] int x : results) {
        }
    } catch (const TaskException&) {
        thrown = true;
    }
    CHECK(thrown);
}

TEST_CASE("an error wakes workers that wait in user code", "[contract][exceptions]") {
    // In the stages before, of and after the failing worker.
    std::atomic<int> woken{0};
    std::latch waiting(3);
    const auto wait_by_itself = [&] {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        waiting.count_down();
        never.wait(lock, this_worker::stop_token(), [] { return false; });
        ++woken;
    };
    const auto pipe = stage([&]() -> generator<int> {
                          co_yield 1;
                          co_yield 2;
                          co_yield 3;
                          wait_by_itself();
                      }) |
                      stage({.workers = 2},
                            [&](Input<int> items) -> generator<int> {
                                for (int x : items) {
                                    if (x == 1) {
                                        co_yield x;
                                        wait_by_itself();
                                    } else {
                                        waiting.wait();
                                        throw x;
                                    }
                                }
                            }) |
                      stage([&](Input<int> items) -> generator<int> {
                          for (int x : items) {
                              wait_by_itself();
                              co_yield x;
                          }
                      });
    CHECK_THROWS_AS(pipe.execute(), TaskException);
    CHECK(woken == 3);
}

// ---- results delivered before the error --------------------------------------------------------

TEST_CASE("results delivered before an error reach the consumer, then the error is thrown",
          "[contract][exceptions]") {
    const std::size_t qsize = GENERATE(0U, 500U, 1000U);
    std::atomic<bool> failed{false};
    auto results = stage({.qsize = qsize}, [&]() -> generator<int> {
                       for (int i = 0; i < 300; ++i) co_yield i;
                       failed = true;
                       throw std::runtime_error("after 300");
                   }).results();
    CHECK(comes_true([&] { return failed.load(); }));
    support::give_it_a_chance();  // all workers have ended before the consumer reads
    std::vector<int> all;
    bool thrown = false;
    try {
        for (int x : results) all.push_back(x);
    } catch (const TaskException&) {
        thrown = true;
    }
    CHECK(all == first_numbers(300));
    CHECK(thrown);
}

TEST_CASE("results that the last stage delivered before a source failed reach the consumer",
          "[contract][exceptions]") {
    std::latch delivered(1);
    const auto outcome = outcome_of(stage([&]() -> generator<int> {
                                        for (int i = 0; i < 100; ++i) co_yield i;
                                        delivered.wait();
                                        throw std::runtime_error("source");
                                    }) |
                                    stage([&](Input<int> items) -> generator<int> {
                                        for (int x : items) {
                                            co_yield x;
                                            if (x == 99) delivered.count_down();
                                        }
                                    }));
    CHECK(outcome.results == first_numbers(100));
    REQUIRE(outcome.error);
    CHECK(outcome.error->stage() == "stage_0");
}

TEST_CASE("a consumer that continues after an error gets the error again", "[contract][exceptions]") {
    auto results = stage([]() -> generator<int> {
                       co_yield 1;
                       throw std::runtime_error("end");
                   }).results();
    auto it = results.begin();
    CHECK(*it == 1);
    bool thrown = false;
    try {
        ++it;
        (void)(it == results.end());  // one of the two throws
    } catch (const TaskException&) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK_THROWS_AS(it == results.end(), TaskException);
}

// ---- TaskException -----------------------------------------------------------------------------

TEST_CASE("several errors are all listed, in the order in which they were reported",
          "[contract][exceptions]") {
    std::latch all_in(3);
    std::atomic<int> turn{0};
    const auto pipe =
        std::views::iota(0, 3) |
        stage({.workers = 3, .name = "add_one"}, [&](Input<int> items) -> generator<int> {
            for (int x : items) {
                all_in.arrive_and_wait();
                // Worker 2 fails first, then 1 and 0, each after the previous one is unwound.
                struct Next {
                    std::atomic<int>& turn;
                    ~Next() { ++turn; }
                } next{turn};
                const int mine = 2 - static_cast<int>(this_worker::index());
                while (turn != mine) std::this_thread::yield();
                if (mine != 0) support::give_it_a_chance();
                if (mine == 0) throw std::invalid_argument("failed at 200");
                if (mine == 1) throw 42;
                throw shop::OutOfStock{x};
            }
            co_yield 0;
        });
    const auto outcome = outcome_of(pipe);
    REQUIRE(outcome.error);
    const TaskException& e = *outcome.error;
    CHECK(e.what() == std::string("3 tasks raised an exception. First error reported on task "
                                  "\"add_one-2\": std::invalid_argument: failed at 200"));
    REQUIRE(e.errors().size() == 3);
    CHECK(e.errors()[0].task() == "add_one-2");
    CHECK(e.errors()[1].task() == "add_one-1");
    CHECK(e.errors()[2].task() == "add_one-0");
    CHECK(e.task() == "add_one-2");
    CHECK(e.worker() == 2);
    CHECK(e.cause() == e.errors()[0].cause());
    CHECK_THROWS_AS(e.rethrow_cause(), std::invalid_argument);
    CHECK_THROWS_AS(e.errors()[1].rethrow_cause(), int);
    CHECK_THROWS_AS(e.errors()[2].rethrow_cause(), shop::OutOfStock);
    for (const TaskError& error : e.errors()) CHECK(error.cause() != nullptr);
}

TEST_CASE("errors of several stages at once are all listed", "[contract][exceptions]") {
    std::latch both(2);
    const auto pipe = stage({.name = "left"},
                            [&]() -> generator<int> {
                                co_yield 1;
                                both.arrive_and_wait();
                                throw std::runtime_error("left");
                            }) |
                      stage({.name = "right"}, [&](Input<int> items) -> generator<int> {
                          for (int x : items) {
                              both.arrive_and_wait();
                              throw std::runtime_error("right");
                              co_yield x;
                          }
                      });
    const auto outcome = outcome_of(pipe);
    REQUIRE(outcome.error);
    CHECK(outcome.error->errors().size() == 2);
    std::vector<std::string> stages;
    for (const TaskError& error : outcome.error->errors()) stages.push_back(error.stage());
    CHECK(outcome.error->stage() == stages.front());
    std::sort(stages.begin(), stages.end());
    CHECK(stages == std::vector<std::string>{"left", "right"});
}

TEST_CASE("nine workers may fail at once", "[contract][exceptions]") {
    std::latch all_in(9);
    const auto pipe = std::views::iota(0, 9) | stage({.workers = 9}, [&](Input<int> items) {
                          for (int x : items) {
                              all_in.arrive_and_wait();
                              throw std::runtime_error(std::to_string(x));
                          }
                      });
    try {
        pipe.execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.errors().size() == 9);
        CHECK(
            std::string(e.what()).starts_with("9 tasks raised an exception. First error reported"));
    }
}

TEST_CASE("TaskException is a std::runtime_error and outlives its pipeline",
          "[contract][exceptions]") {
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, TaskException>);
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<TaskException>);
    std::exception_ptr kept;
    {
        const auto pipe = std::views::iota(0, 5) | map_stage([](int x) -> int {
                              throw shop::Closed("number " + std::to_string(x));
                          });
        try {
            pipe.execute();
        } catch (const std::runtime_error&) {
            kept = std::current_exception();
        }
    }
    REQUIRE(kept);
    try {
        std::rethrow_exception(kept);
    } catch (const TaskException& e) {
        CHECK(e.what() == std::string("The task \"stage_0-0\" raised shop::Closed: number 0"));
        CHECK(e.errors().size() == 1);
    }
}

TEST_CASE("a thrown object that is no std::exception is reported too, with its own type",
          "[contract][exceptions]") {
    const auto number = outcome_of(std::views::iota(0) | map_stage([](int x) -> int { throw x; }));
    REQUIRE(number.error);
    CHECK_THROWS_AS(number.error->rethrow_cause(), int);
    CHECK(std::string(number.error->what()).starts_with("The task \"stage_0-0\" raised "));

    const auto custom =
        outcome_of(std::views::iota(0) | map_stage([](int) -> int { throw shop::OutOfStock{9}; }));
    REQUIRE(custom.error);
    try {
        custom.error->rethrow_cause();
    } catch (const shop::OutOfStock& e) {
        CHECK(e.article == 9);
    }
    CHECK(std::string(custom.error->what()).find("shop::OutOfStock") != std::string::npos);

    const auto owner = outcome_of(std::views::iota(0) |
                                  map_stage([](int) -> int { throw std::make_shared<int>(3); }));
    REQUIRE(owner.error);
    CHECK_THROWS_AS(owner.error->rethrow_cause(), std::shared_ptr<int>);
}

TEST_CASE("a TaskException of an inner pipeline is the cause of the outer one",
          "[contract][exceptions]") {
    const auto inner = std::views::iota(0, 3) | map_stage({.name = "inner"}, [](int) -> int {
                           throw std::runtime_error("deep");
                       });
    const auto outer =
        std::views::iota(0, 3) | map_stage({.name = "outer"}, [&](int) { return inner.execute(); });
    const auto outcome = outcome_of(outer);
    REQUIRE(outcome.error);
    CHECK(outcome.error->stage() == "outer");
    try {
        outcome.error->rethrow_cause();
    } catch (const TaskException& e) {
        CHECK(e.stage() == "inner");
    }
}

TEST_CASE("no item is left after an error, wherever it was thrown", "[contract][exceptions]") {
    const int at = GENERATE(0, 10, 200);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    Tally tally;
    {
        const auto pipe =
            stage({.workers = 2, .qsize = qsize},
                  [&]() -> generator<Counted> {
                      for (int i = 0; i < 500; ++i) co_yield Counted(tally, i);
                  }) |
            stage({.workers = 3, .qsize = qsize}, [at](Input<Counted> items) -> generator<Counted> {
                for (Counted& c : items) {
                    if (c.value == at) throw std::runtime_error("stop");
                    co_yield std::move(c);
                }
            });
        CHECK_THROWS_AS(pipe.execute(), TaskException);
        CHECK(tally.alive == 0);
        {
            auto results = pipe.results();  // fails, and the consumer reads nothing
            support::give_it_a_chance();
        }
        CHECK(tally.alive == 0);
    }
    CHECK(tally.copies == 0);
}

TEST_CASE("errors of a run that the consumer has left are dropped", "[contract][exceptions]") {
    const std::size_t before = support::threads_at_rest();
    for ([[maybe_unused]] int x : (stage([]() -> generator<int> {
                                      co_yield 1;
                                      std::this_thread::yield();
                                      throw std::runtime_error("too late");
                                  })).results())
        break;
    CHECK(comes_true([&] { return support::thread_count() <= before; }));
}

}  // namespace contract_exceptions_tests
