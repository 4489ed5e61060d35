#include <parallelpipe/detail/ordered/parked_results.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// parked_results: the results of one worker that wait for earlier items.
namespace detail_parked_results_tests {

using parallelpipe::detail::parked_results;

namespace {

template <class T>
std::vector<T> all_of(parked_results<T>& parked) {
    std::vector<T> all;
    parked.take_each([&](T&& result) {
        all.push_back(std::move(result));
        return true;
    });
    return all;
}

}  // namespace

TEST_CASE("parked results are taken in the order in which they were parked, also after reuse", "[order]") {
    parked_results<std::string> parked;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::string> expected;
        for (int i = 0; i < 200 * round + 1; ++i) {  // several blocks, in each round another number
            expected.push_back("result " + std::to_string(i));
            parked.push(std::string(expected.back()));
        }
        CHECK(all_of(parked) == expected);
        CHECK(all_of(parked).empty());
    }
}

TEST_CASE("parked results that are not taken are destroyed", "[order]") {
    support::Tally tally;
    {
        parked_results<support::Counted> parked;
        for (int i = 0; i < 100; ++i) parked.push(support::Counted(tally, i));
        SECTION("at the end") {}
        SECTION("all of them") {
            CHECK(parked.drop() == 100);
            CHECK(tally.alive == 0);
            CHECK(parked.drop() == 0);
        }
        SECTION("from the one on that was refused") {
            int offered = 0;
            CHECK_FALSE(parked.take_each([&](support::Counted&&) { return ++offered != 70; }));
            CHECK(offered == 70);
            CHECK(tally.alive == 31);
            parked.push(support::Counted(tally, 1));
            CHECK(parked.drop() == 32);
        }
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("an exception at a parked result leaves the results after it", "[order]") {
    parked_results<std::unique_ptr<int>> parked;
    for (int i = 0; i < 100; ++i) parked.push(std::make_unique<int>(i));
    int taken = 0;
    CHECK_THROWS_AS(parked.take_each([&](std::unique_ptr<int>&&) {
                        if (++taken == 70) throw std::runtime_error("no more");
                        return true;
                    }),
                    std::runtime_error);
    parked.push(std::make_unique<int>(100));
    int next = 70;
    for (const auto& rest : all_of(parked)) CHECK(*rest == next++);
    CHECK(next == 101);
}

}  // namespace detail_parked_results_tests
