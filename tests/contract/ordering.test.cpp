#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <latch>
#include <memory>
#include <ranges>
#include <thread>
#include <utility>
#include <vector>

// The order of results without `ordered`: one worker keeps it, several workers yield in the order of completion.
namespace contract_ordering_tests {

using namespace parallelpipe;

namespace {

std::vector<int> collect(const Pipeline<void, int>& pipe) {
    std::vector<int> all;
    for (int x : pipe.results()) all.push_back(x);
    return all;
}

std::vector<int> first_numbers(int count) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i) all.push_back(i);
    return all;
}

generator<int> pass(Input<int> items) {
    for (int x : items) co_yield x;
}

}  // namespace

TEST_CASE("with one worker everywhere, order is kept from the source to the consumer",
          "[contract][ordering]") {
    const std::size_t qsize = GENERATE(0U, 1U, 2U, 64U, 1000U);
    auto uneven = stage({.qsize = qsize}, [](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x % 7 == 0) std::this_thread::yield();
            co_yield x;
        }
    });
    auto source = stage({.qsize = qsize}, []() -> generator<int> {
        for (int i = 0; i < 3000; ++i) co_yield i;
    });
    CHECK(collect(source | uneven | uneven | uneven) == first_numbers(3000));
    CHECK(collect(std::views::iota(0, 3000) | uneven | uneven) == first_numbers(3000));
}

TEST_CASE("one worker keeps the order of filters and flat-maps", "[contract][ordering]") {
    auto odd = stage([](Input<int> items) -> generator<int> {
        for (int x : items)
            if (x % 2 != 0) co_yield x;
    });
    auto both = stage({.qsize = 3}, [](Input<int> items) -> generator<int> {
        for (int x : items) {
            co_yield x - 1;
            co_yield x;
        }
    });
    CHECK(collect(std::views::iota(0, 2000) | odd | both) == first_numbers(2000));
}

TEST_CASE("one worker that yields before and after its loop keeps that order",
          "[contract][ordering]") {
    auto framed = stage([](Input<int> items) -> generator<int> {
        co_yield -1;
        for (int x : items) co_yield x;
        co_yield -2;
    });
    CHECK(collect(std::vector{5, 6} | framed | framed) == std::vector{-1, -1, 5, 6, -2, -2});
}

TEST_CASE("one worker after several keeps the order in which their results arrive",
          "[contract][ordering]") {
    // Each of the three workers keeps its own order; the stage after them must keep it too.
    auto source = stage({.workers = 3, .qsize = 4}, []() -> generator<int> {
        const int mine = static_cast<int>(this_worker::index());
        for (int i = 0; i < 1000; ++i) co_yield 1000 * mine + i;
    });
    std::vector<int> next{0, 1000, 2000};
    bool in_order = true;
    for (int x : (source | stage(pass) | stage(pass)).results())
        in_order = in_order && x == next[static_cast<std::size_t>(x / 1000)]++;
    CHECK(in_order);
    CHECK(next == std::vector{1000, 2000, 3000});
}

TEST_CASE("results of several workers come in the order of their completion",
          "[contract][ordering]") {
    std::latch second_came(1);
    auto work = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == 0) second_came.wait();
            co_yield x;
        }
    });
    std::vector<int> all;
    for (int x : (std::vector{0, 1} | work).results()) {
        all.push_back(x);
        if (x == 1) second_came.count_down();
    }
    CHECK(all == std::vector{1, 0});
}

TEST_CASE("execute() returns the result that came last", "[contract][ordering]") {
    std::latch done(1);
    auto work = stage({.workers = 2}, [&](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == 0) {
                done.wait();
                support::give_it_a_chance();
            }
            co_yield x;
            if (x == 1) done.count_down();
        }
    });
    CHECK((std::vector{0, 1} | work).execute() == 0);
}

}  // namespace contract_ordering_tests
