#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

// for_each(): a sink that calls a function with each item.
namespace stages_for_each_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

TEST_CASE("for_each is a sink that calls its function with each item", "[for_each]") {
    std::vector<int> seen;
    auto store = for_each([&seen](int x) { seen.push_back(x); });
    static_assert(std::is_same_v<decltype(store), ItemStage<int, void>>);
    (std::vector{1, 2, 3} | store).execute();
    CHECK(seen == std::vector{1, 2, 3});
    (std::vector<int>{} | store).execute();
    CHECK(seen.size() == 3);
}

TEST_CASE("for_each takes settings, generic functions and arguments, and ignores return values",
          "[for_each]") {
    std::atomic<int> sum = 0;
    auto add = for_each({.workers = 3, .name = "add"}, [&sum](auto x) { return sum += x; });
    const auto pipeline = std::views::iota(0, 100) | add;
    CHECK(to_string(pipeline) == "source | add(x3)");
    pipeline.execute();
    CHECK(sum == 4950);
    sum = 0;
    auto add_n = for_each([](int x, int n, std::atomic<int>& to) { to += x + n; });
    (std::vector{1, 2} | add_n(10, std::ref(sum))).execute();
    CHECK(sum == 23);
}

TEST_CASE("for_each passes items to its function without a copy", "[for_each]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 4; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    int sum = 0;
    (source | for_each([&sum](Counted x) { sum += x.value; })).execute();
    (source | for_each([&sum](Counted& x) { sum += x.value; })).execute();
    (source | for_each([&sum](const Counted& x) { sum += x.value; })).execute();
    (source | for_each([&sum](Counted&& x) { sum += x.value; })).execute();
    CHECK(sum == 24);
    CHECK(tally.copies == 0);
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    (std::vector{5} | make | for_each([&sum](std::unique_ptr<int> p) { sum = *p; })).execute();
    CHECK(sum == 5);
}

TEST_CASE("an error in for_each stops the run", "[for_each]") {
    auto fail = for_each({.name = "fail"}, [](int x) {
        if (x == 100) throw std::runtime_error("full");
    });
    try {
        (std::views::iota(0) | fail).execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(std::string(e.what()) == "The task \"fail-0\" raised std::runtime_error: full");
    }
}

}  // namespace stages_for_each_tests
