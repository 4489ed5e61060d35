#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// collect() and for_each() of a pipeline.
namespace stages_collect_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

TEST_CASE("collect returns all results in a container", "[collect]") {
    const auto pipeline = std::views::iota(0, 4) | map_stage([](int x) { return x * x; });
    auto all = pipeline.collect();
    static_assert(std::is_same_v<decltype(all), std::vector<int>>);
    CHECK(all == std::vector{0, 1, 4, 9});
    CHECK(pipeline.collect<std::vector>() == all);
    CHECK(pipeline.collect<std::deque>() == std::deque{0, 1, 4, 9});
    CHECK(pipeline.collect<std::vector<long>>() == std::vector<long>{0, 1, 4, 9});
    CHECK(pipeline.collect<std::set>() == std::set{0, 1, 4, 9});
    CHECK((std::vector<std::string>{"a", "b"} | enumerate())
              .collect<std::map<std::size_t, std::string>>() ==
          std::map<std::size_t, std::string>{{0, "a"}, {1, "b"}});
}

TEST_CASE("collect moves the results", "[collect]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 4; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    CHECK(source.collect<std::list>().size() == 4);
    CHECK(source.collect().size() == 4);
    CHECK(source.collect<std::deque<Counted>>().size() == 4);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("collect of a run without results is empty", "[collect]") {
    CHECK((std::vector<int>{} | filter([](int) { return true; })).collect().empty());
}

TEST_CASE("for_each of a pipeline calls its function in the calling thread", "[collect]") {
    const auto pipeline = std::views::iota(0, 100) |
                          map_stage({.workers = 3}, [](int x) { return std::make_unique<int>(x); });
    int sum = 0;
    bool elsewhere = false;
    pipeline.for_each([&, here = std::this_thread::get_id()](std::unique_ptr<int> p) {
        sum += *p;
        elsewhere = elsewhere || std::this_thread::get_id() != here;
    });
    CHECK(sum == 4950);
    CHECK_FALSE(elsewhere);
    pipeline.for_each([&sum](std::unique_ptr<int>& p) { sum -= *p; });
    CHECK(sum == 0);
    const Stage source([]() -> generator<int> { co_yield 3; });
    source.for_each([&sum](const int& x) { sum = x; });
    CHECK(sum == 3);
}

TEST_CASE("collect and for_each throw the exceptions of a loop over the results", "[collect]") {
    const auto fails = std::views::iota(0) | map_stage([](int x) {
                           if (x == 10) throw std::runtime_error("ten");
                           return x;
                       });
    CHECK_THROWS_AS(fails.collect(), TaskException);
    int seen = 0;
    CHECK_THROWS_AS(fails.for_each([&seen](int) { ++seen; }), TaskException);
    CHECK(seen == 10);

    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS((std::views::iota(0) | take(1000000)).collect(stop.get_token()), CancelledError);
    CHECK_THROWS_AS((std::views::iota(0) | drop(1)).for_each([](int) {}, stop.get_token()),
                    CancelledError);
}

TEST_CASE("an exception of the function of for_each leaves unchanged and stops the run", "[collect]") {
    CHECK_THROWS_AS((std::views::iota(0) | drop(1)).for_each([](int x) {
        if (x == 5) throw std::length_error("enough");
    }), std::length_error);
}

}  // namespace stages_collect_tests
