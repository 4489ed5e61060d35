#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// reduce(): one result for all items.
namespace stages_reduce_tests {

using namespace parallelpipe;
using support::Counted;
using support::Fragile;
using support::Fuse;
using support::listed;
using support::Tally;

TEST_CASE("reduce folds all items into one result", "[reduce]") {
    const auto sum = reduce(0, std::plus<>());
    CHECK(listed(std::views::iota(1, 101) | sum) == std::vector{5050});
    CHECK(listed(std::vector<int>{} | sum) == std::vector{0});
    CHECK((std::vector{1, 2, 3} | reduce({.name = "sum"}, 10, [](int a, int x) { return a + x; }))
              .execute() == 16);
    // In order, from the left.
    const auto join = reduce(std::string("<"), [](std::string all, const std::string& part) {
        return all + part;
    });
    CHECK((std::vector<std::string>{"a", "b"} | join).execute() == "<ab");
}

TEST_CASE("the result of reduce has the type of its initial value", "[reduce]") {
    auto total = std::vector{1, 2} | reduce(0.5, [](double sum, int x) { return sum + x; });
    static_assert(std::is_same_v<decltype(total), Pipeline<void, double>>);
    CHECK(total.execute() == 3.5);
    auto counts = std::vector<std::string>{"a", "b", "a"} |
                  reduce(std::map<std::string, int>{}, [](auto all, const std::string& word) {
                      ++all[word];
                      return all;
                  });
    CHECK(counts.execute() == std::map<std::string, int>{{"a", 2}, {"b", 1}});
}

TEST_CASE("reduce moves its items and its result", "[reduce]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 5; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    const auto sum = reduce(0, [](int a, Counted x) { return a + x.value; });
    CHECK((source | sum).execute() == 10);
    CHECK((source | reduce({.workers = 2}, 0, [](int a, Counted&& x) { return a + x.value; },
                           std::plus<>())).execute() == 10);
    CHECK((source | reduce(0, [](int a, Counted& x) { return a + x.value; })).execute() == 10);
    CHECK(tally.copies == 0);
}

TEST_CASE("reduce without a combining function refuses several workers", "[reduce]") {
    CHECK_THROWS_AS(reduce({.workers = 2}, 0, std::plus<>()), std::invalid_argument);
    auto later = reduce(0, std::plus<>());
    later.setup({.workers = 2});
    try {
        (std::vector{1} | later).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK_THROWS_AS(e.rethrow_cause(), std::invalid_argument);
    }
}

TEST_CASE("reduce with a combining function runs in parallel", "[reduce]") {
    const auto sum = reduce({.workers = 4}, 0L, std::plus<>(), std::plus<>());
    const auto pipeline = std::views::iota(1, 10001) | sum;
    CHECK(listed(pipeline) == std::vector{50005000L});
    CHECK(listed(pipeline) == std::vector{50005000L});
    CHECK(listed(std::vector<int>{} | sum) == std::vector{0L});
    CHECK((std::vector{7} | sum).execute() == 7);
}

TEST_CASE("op and combine of reduce may have different types", "[reduce]") {
    using Counts = std::map<std::string, int>;
    const auto count = reduce({.workers = 3}, Counts{}, [](Counts all, const std::string& word) {
        ++all[word];
        return all;
    }, [](Counts a, const Counts& b) {
        for (const auto& [word, n] : b) a[word] += n;
        return a;
    });
    std::vector<std::string> words;
    for (int i = 0; i < 300; ++i) words.push_back(i % 3 == 0 ? "a" : "b");
    CHECK((words | count).execute() == Counts{{"a", 100}, {"b", 200}});
}

TEST_CASE("a parallel reduce can be chained and named, and its settings can be changed", "[reduce]") {
    auto sum = reduce(0, std::plus<>(), std::plus<>()).setup({.workers = 2, .name = "sum"});
    const auto pipeline = std::vector{1, 2} | sum | map_stage([](int x) { return 2 * x; });
    CHECK(to_string(pipeline) == "source | sum(x2) | sum_combine(x1) | stage_2(x1)");
    CHECK(pipeline.execute() == 6);
    CHECK_THROWS_AS(sum.setup({.workers = 0}), std::invalid_argument);
}

TEST_CASE("a result whose move throws is destroyed once, wherever it throws", "[reduce]") {
    const auto plus = [](Fragile&& sum, int x) {
        sum.value += x;
        return std::move(sum);
    };
    const auto combine = [](Fragile&& a, Fragile& b) {
        a.value += b.value;
        return std::move(a);
    };
    for (int steps = -1; steps < 80; ++steps) {
        Fuse fuse;
        const auto run = [&](auto sum) {
            fuse.left = steps;
            return (std::views::iota(1, 9) | sum).execute().value;
        };
        const auto check = [&](auto sum) {
            int total = 36;
            try {
                total = run(std::move(sum));
            } catch (const std::exception& error) {
                CHECK(std::string(error.what()).find("burnt") != std::string::npos);
                CHECK(steps != -1);
            }
            CHECK(total == 36);
            fuse.left = -1;
        };
        check(reduce(Fragile(fuse, 0), plus));
        check(reduce({.workers = 2}, Fragile(fuse, 0), plus, combine));
        CHECK(fuse.alive == 0);
    }
}

TEST_CASE("an error in a reduce stops the run", "[reduce]") {
    auto fail = [](int, int) -> int { throw std::runtime_error("no"); };
    CHECK_THROWS_AS((std::views::iota(0) | reduce(0, fail)).execute(), TaskException);
    CHECK_THROWS_AS((std::views::iota(0) | reduce({.workers = 2}, 0, fail, fail)).execute(),
                    TaskException);
}

}  // namespace stages_reduce_tests
