#include <parallelpipe/detail/ordered/segments.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace detail_segments_tests {

using namespace parallelpipe::detail;

namespace {

std::vector<std::uint64_t> firsts(const segment_list& list) {
    std::vector<std::uint64_t> numbers;
    for (const segment* each = list.first(); each; each = each->next) numbers.push_back(each->first);
    return numbers;
}

segment& add(segment_list& list, std::uint64_t first) {
    segment* const unused = list.take_unused();
    return *list.insert(unused ? *unused : list.own(owning_ptr<segment>(new segment)), first);
}

void complete(segment& at, std::uint64_t end) {
    at.complete = true;
    at.end = end;
}

}  // namespace

TEST_CASE("segments lie in the order of their numbers, however they come", "[ordered]") {
    segment_list list;
    for (const std::uint64_t first : {30U, 10U, 40U, 20U}) add(list, first);
    CHECK(firsts(list) == std::vector<std::uint64_t>{10, 20, 30, 40});
}

TEST_CASE("a removed segment is used again, as a new one", "[ordered]") {
    segment_list list;
    segment& gone = add(list, 10);
    add(list, 20);
    complete(gone, 20);
    gone.had_parked = true;
    list.remove(gone);
    CHECK(firsts(list) == std::vector<std::uint64_t>{20});
    segment& again = add(list, 30);
    CHECK(&again == &gone);
    CHECK_FALSE(again.complete);
    CHECK_FALSE(again.had_parked);
    CHECK(firsts(list) == std::vector<std::uint64_t>{20, 30});
    CHECK(list.take_unused() == nullptr);
}

TEST_CASE("complete segments without results join the complete one before them", "[ordered]") {
    segment_list list;
    segment& first = add(list, 10);
    segment& middle = add(list, 20);
    segment& last = add(list, 30);

    complete(last, 40);
    list.join_neighbours(last);
    complete(first, 20);
    list.join_neighbours(first);
    CHECK(firsts(list) == std::vector<std::uint64_t>{10, 20, 30});

    SECTION("on both sides") {
        complete(middle, 30);
        list.join_neighbours(middle);
        CHECK(firsts(list) == std::vector<std::uint64_t>{10});
        CHECK(first.end == 40);
    }
    SECTION("but not where it had results") {
        middle.had_parked = true;
        complete(middle, 30);
        list.join_neighbours(middle);
        CHECK(firsts(list) == std::vector<std::uint64_t>{10, 20});
        CHECK(middle.end == 40);
    }
    SECTION("but not over a number that is missing") {
        complete(middle, 29);
        list.join_neighbours(middle);
        CHECK(firsts(list) == std::vector<std::uint64_t>{10, 30});
        CHECK(first.end == 29);
    }
}

}  // namespace detail_segments_tests
