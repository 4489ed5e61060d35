#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/outcome.hpp"
#include "support/scarce_memory.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <iterator>
#include <latch>
#include <new>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Allocation failures in workers of ordered and keyed stages: the run ends, reports an error, and loses at most the items
// that it reports.
namespace contract_no_memory_tests {

using namespace parallelpipe;
using support::Counted;
using support::lose_next;
using support::Memory;
using support::Outcome;
using support::outcome_of;
using support::Tally;
using support::up_to;

namespace {

/// Yields 0, 1, ... `end` - 1, one at a time, so no worker takes several at once. It waits after the first item: the
/// worker with that item is the front, and from then on each run of items of the other workers needs memory.
Stage<void, int> one_by_one(int end, std::latch& first_begun) {
    return Stage<void, int>(
               [&first_begun](int n) -> generator<int> {
                   for (int i = 0; i < n; ++i) {
                       co_yield int{i};
                       first_begun.wait();
                   }
               },
               end)
        .setup({.qsize = 1});
}

std::vector<int> up_to_without(int end, int one) {
    std::vector<int> numbers = up_to(end);
    std::erase(numbers, one);
    return numbers;
}

/// Counts a latch down when its owner is unwound.
struct leaving {
    std::latch& latch;
    ~leaving() {
        if (!latch.try_wait()) latch.count_down();
    }
};

bool says_no_memory(const Outcome& outcome) {
    return outcome.text.find("std::bad_alloc") != std::string::npos;
}

}  // namespace

TEST_CASE("a worker of an ordered stage needs no memory to leave", "[contract][ordered][memory]") {
    std::latch begun(1);
    std::latch leaving(1);
    auto work = stage({.workers = 3, .ordered = true}, [&](Input<int> in) -> generator<int> {
        for (int x : in) {
            if (x == 0) {
                begun.count_down();
                leaving.wait();
                support::give_it_a_chance();
            } else if (x == 12) {
                lose_next(Memory::over_aligned);
                leaving.count_down();
                co_return;
            }
            co_yield x;
        }
    });
    const Outcome outcome = outcome_of(one_by_one(200, begun) | work);
    CHECK(outcome.items == up_to_without(200, 12));
    CHECK(outcome.text.empty());
}

namespace {

/// An item. Moving number 20 out of its queue throws, and from then on allocations fail.
struct Costly {
    explicit Costly(int v) : value(v) {}
    Costly(Costly&& other) noexcept(false) : value(other.value), moves(other.moves + 1) {
        if (value != 20 || moves != 2) return;
        lose_next(Memory::over_aligned);
        throw std::runtime_error("cannot be moved");
    }
    Costly& operator=(Costly&&) = delete;

    int value;
    int moves = 0;
};

}  // namespace

TEST_CASE("an item that is lost for lack of memory does not block the items after it",
          "[contract][ordered][memory]") {
    std::latch begun(1);
    std::latch failed(1);
    auto source = stage({.qsize = 0}, [&]() -> generator<Costly> {
        for (int i = 0; i < 200; ++i) {
            co_yield Costly(i);
            begun.wait();
        }
    });
    auto work = stage({.workers = 2, .ordered = true, .on_error = OnError::finish},
                      [&](Input<Costly> in) -> generator<int> {
                          // Not earlier: a front that advances frees memory, which the other worker could use.
                          const leaving guard{failed};
                          for (Costly& x : in) {
                              if (x.value == 0) {
                                  begun.count_down();
                                  failed.wait();
                              }
                              co_yield int{x.value};
                          }
                      });
    support::lost_so_far();
    const Outcome outcome = outcome_of(source | work);
    CHECK(outcome.items == up_to_without(200, 20));
    CHECK(outcome.text.find("cannot be moved") != std::string::npos);
    CHECK(outcome.failed_at == 20);
    CHECK(support::lost_so_far() == 1);
}

TEST_CASE("results of a worker that has caught std::bad_alloc keep their place in the order",
          "[contract][ordered][memory]") {
    constexpr int last = 5;
    std::latch begun(1);
    std::latch caught(1);
    auto work = stage({.workers = 2, .qsize = 0, .ordered = true}, [&](Input<int> in) -> generator<int> {
        bool no_memory = false;
        try {
            for (int x : in) {
                if (x == 0) {
                    begun.count_down();
                    caught.wait();
                }
                co_yield int{x};
                if (x == last) lose_next(Memory::over_aligned);
            }
        } catch (const std::bad_alloc&) {
            no_memory = true;
        }
        if (!no_memory) co_return;
        for (int i = 1; i <= 100; ++i) co_yield -i;
        caught.count_down();
    });
    const Outcome outcome = outcome_of(one_by_one(200, begun) | work);
    std::vector<int> expected = up_to(last + 1);
    for (int i = 1; i <= 100; ++i) expected.push_back(-i);
    for (int i = last + 1; i < 200; ++i) expected.push_back(i);
    CHECK(outcome.items == expected);
    CHECK(outcome.text.empty());
}

TEST_CASE("an ordered worker without memory for its next item leaves item and slot to a sibling",
          "[contract][ordered][memory]") {
    std::atomic<int> taken{0};
    std::atomic<int> most{0};
    std::latch begun(1);
    std::latch failed(1);
    auto source = stage({.qsize = 1}, [&]() -> generator<int> {
        for (int i = 0; i < 200; ++i) {
            most = std::max(most.load(), i - taken);
            co_yield int{i};
            begun.wait();
        }
    });
    auto work = stage({.workers = 2, .ordered = true, .on_error = OnError::finish},
                      [&](Input<int> in) -> generator<int> {
                          const leaving guard{failed};
                          for (int x : in) {
                              ++taken;
                              if (x == 0) {
                                  begun.count_down();
                                  failed.wait();
                              }
                              co_yield int{x};
                              if (x == 5) lose_next(Memory::over_aligned);
                          }
                      });
    const Outcome outcome = outcome_of(source | work);
    CHECK(outcome.items == up_to(200));
    CHECK(says_no_memory(outcome));
    CHECK(most <= 4);  // one in each worker, one in the queue, one in between
}

TEST_CASE("a worker that continues without memory ends the order at its position",
          "[contract][ordered][memory]") {
    const OnError on_error = GENERATE(OnError::stop, OnError::finish);
    constexpr int last = 5;
    std::latch begun(1);
    std::latch ended(1);
    auto work = stage({.workers = 2, .qsize = 0, .ordered = true, .on_error = on_error},
                      [&](Input<int> in) -> generator<int> {
                          for (bool ends = false; !ends;) {
                              try {
                                  for (int x : in) {
                                      if (x == 0) {
                                          begun.count_down();
                                          ended.wait();
                                      }
                                      co_yield int{x};
                                      if (x == last) lose_next(Memory::over_aligned, 3);
                                  }
                                  ends = true;
                              } catch (const std::bad_alloc&) {
                                  if (support::lost_so_far() != 1) {
                                      ended.count_down();
                                      throw;
                                  }
                              }
                          }
                      });
    support::lost_so_far();
    const Outcome outcome = outcome_of(one_by_one(200, begun) | work);
    CHECK(outcome.items == up_to(last + 2));
    CHECK(says_no_memory(outcome));
}

namespace {

/// So big that each waiting item needs an allocation.
struct Big {
    explicit Big(int v) : value(v) {}
    Big(Big&& other) noexcept : value(std::exchange(other.value, -1)) {}
    Big& operator=(Big&&) = delete;

    int value;
    char rest[600] = {};
};

}  // namespace

TEST_CASE("without memory for a keyed item and for its error, only that item is lost",
          "[partition_by][memory]") {
    const bool ordered = GENERATE(false, true);
    auto source = stage({.qsize = 0}, []() -> generator<Big> {
        for (int i = 0; i < 200; ++i) co_yield Big(i);
    });
    const auto pass_on = [](Input<Big> in) -> generator<int> {
        for (Big& x : in) co_yield int{x.value};
    };
    std::atomic<bool> is_lost{false};
    const auto key = [&](const Big& x) {
        if (x.value == 105 && !is_lost.exchange(true)) lose_next(Memory::any, 2);
        return x.value;
    };
    const Setup setup{.workers = 3, .qsize = 0, .ordered = ordered, .on_error = OnError::finish};
    support::lost_so_far();
    Outcome outcome = outcome_of(source | stage(setup, pass_on).partition_by(key));
    CHECK(support::lost_so_far() == 2);
    CHECK(says_no_memory(outcome));
    if (!ordered) std::ranges::sort(outcome.items);
    std::vector<int> lost;
    std::ranges::set_difference(up_to(200), outcome.items, std::back_inserter(lost));
    REQUIRE(lost.size() == 1);
    CHECK(outcome.items == up_to_without(200, lost.front()));
}

TEST_CASE("items that a keyed worker leaves for lack of memory are merged into its successor's",
          "[contract][ordered][memory]") {
    const auto with_index = [](Input<int> in) -> generator<std::pair<int, std::size_t>> {
        for (int x : in) co_yield {x, this_worker::index()};
    };
    std::array<int, 2> key_of{};
    for (const auto& [key, worker] :
         (std::views::iota(0, 20) | stage({.workers = 2}, with_index).partition_by(std::identity())).results())
        key_of[worker] = key;

    // The worker with the even items is the front, and continues when the other worker is lost.
    std::latch begun(1);
    std::latch failed(1);
    std::latch done(1);
    auto source = stage({.qsize = 0}, [&]() -> generator<int> {
        co_yield 0;
        begun.wait();
        for (int i = 1; i < 40; ++i) co_yield int{i};
        done.wait();
        for (int i = 40; i < 80; ++i) co_yield int{i};
    });
    auto work = stage({.workers = 2, .qsize = 0, .ordered = true, .on_error = OnError::finish},
                      [&](Input<int> in) -> generator<int> {
                          const leaving guard{failed};
                          for (int x : in) {
                              if (x == 0) {
                                  begun.count_down();
                                  failed.wait();
                                  support::give_it_a_chance();
                              }
                              co_yield int{x};
                              if (x == 39) done.count_down();
                              if (x == 11) lose_next(Memory::over_aligned);
                          }
                      })
                    .partition_by([&](int x) { return key_of[static_cast<std::size_t>(x % 2)]; });
    support::lost_so_far();
    const Outcome outcome = outcome_of(source | work);
    CHECK(outcome.items == up_to(80));
    CHECK(outcome.failed_at == 13);
    CHECK(support::lost_so_far() == 1);
}

namespace {

constexpr int some = 40;

struct Trial {
    std::string name;
    bool is_ordered;
    Pipeline<void, Counted> pipe;
};

std::vector<Trial> trials(Tally& tally) {
    const auto pass_on = [](Input<Counted> in) -> generator<Counted> {
        for (Counted& x : in) co_yield std::move(x);
    };
    const auto key = [](const Counted& x) { return x.value % 7; };
    const auto range = std::views::iota(0, some) |
                       std::views::transform([&tally](int i) { return Counted(tally, i); });
    const Setup any{.workers = 3, .name = "a name that needs memory, too"};
    const Setup ordered{.workers = 3, .qsize = 4, .ordered = true};
    return {{"fused with a range", false, fuse(any, range | stage(pass_on) | stage(pass_on))},
            {"fused with a range, ordered", true, fuse(ordered, range | stage(pass_on) | stage(pass_on))},
            {"any order", false, range | stage(any, pass_on) | stage(any, pass_on)},
            {"ordered", true, range | stage(ordered, pass_on) | stage(ordered, pass_on)},
            {"keyed", false, range | stage(any, pass_on).partition_by(key)},
            {"keyed and ordered", true, range | stage(ordered, pass_on).partition_by(key)}};
}

/// The results and the error of one run, recorded without allocations.
struct Trace {
    explicit Trace(int most) { items.reserve(static_cast<std::size_t>(most)); }

    void run(const Pipeline<void, Counted>& pipe) noexcept {
        items.clear();
        failed = false;
        try {
            for (Counted& x : pipe.results()) items.push_back(x.value);
        } catch (...) {
            failed = true;
        }
    }
    /// Whether no item is doubled, none is missing without an error, and the order is kept.
    bool is_right(bool is_ordered) {
        if (!is_ordered) std::ranges::sort(items);
        if (is_ordered && items != up_to(static_cast<int>(items.size()))) return false;
        return std::ranges::adjacent_find(items) == items.end() && (failed || items == up_to(some));
    }

    std::vector<int> items;
    bool failed = false;
};

}  // namespace

TEST_CASE("a run ends at whichever allocation fails, with an error, without a gap and without a leak",
          "[contract][memory]") {
    Tally tally;
    const long in_a_row = GENERATE(1L, 2L, 3L, 7L);
    Trace trace(some);
    for (const Trial& trial : trials(tally)) {
        int wrong = 0;
        bool reached = true;
        for (long first = 0; reached; ++first) {
            {
                const support::ScarceMemory scarce(first, in_a_row);
                trace.run(trial.pipe);
                reached = scarce.reached();
            }
            if (!trace.is_right(trial.is_ordered)) ++wrong;
            if (tally.alive != 0) ++wrong;
        }
        INFO(trial.name);
        CHECK(wrong == 0);
    }
}

}  // namespace contract_no_memory_tests
