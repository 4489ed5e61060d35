#include <parallelpipe/setup.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Setup: the settings of a stage.
namespace setup_tests {

using namespace parallelpipe;

namespace {

generator<int> same(Input<int> items) {
    for (int x : items) co_yield x;
}

generator<int> add(Input<int> items, int n) {
    for (int x : items) co_yield x + n;
}

constexpr std::size_t minus_one = static_cast<std::size_t>(-1);

}  // namespace

static_assert(std::is_aggregate_v<Setup>);

TEST_CASE("settings left out of a Setup have no value", "[setup]") {
    const Setup nothing{};
    CHECK_FALSE(nothing.workers);
    CHECK_FALSE(nothing.qsize);
    CHECK_FALSE(nothing.name);
    const Setup some{.workers = 2, .name = "fetch"};
    CHECK(some.workers == 2u);
    CHECK_FALSE(some.qsize);
    CHECK(some.name == "fetch");
}

TEST_CASE("setup() changes the settings that it names and keeps the others", "[setup]") {
    Stage<int, int> made = stage({.workers = 3, .qsize = 7, .name = "first"}, same);
    made.setup({.qsize = 5});
    CHECK(to_string(made) == "first(x3)");
    CHECK(made.entry().setup.qsize == 5u);
    made.setup({.workers = 4});
    CHECK(to_string(made) == "first(x4)");
    CHECK(made.entry().setup.qsize == 5u);
    made.setup({.name = "second"});
    CHECK(to_string(made) == "second(x4)");
    made.setup({});
    CHECK(to_string(made) == "second(x4)");
    CHECK(made.entry().setup.qsize == 5u);
}

TEST_CASE("setup() keeps the setting of an unlimited queue", "[setup]") {
    Stage<int, int> made = stage({.qsize = 0}, same);
    CHECK(made.entry().setup.qsize == 0u);
    made.setup({.workers = 2});
    CHECK(made.entry().setup.qsize == 0u);
}

TEST_CASE("setup() of an lvalue returns the stage itself", "[setup]") {
    Stage<int, int> made(same);
    CHECK(&made.setup({.workers = 2}) == &made);
    made.setup({.workers = 3}).setup({.name = "chained"});
    CHECK(to_string(made) == "chained(x3)");
    static_assert(std::is_same_v<decltype(made.setup({})), Stage<int, int>&>);
}

TEST_CASE("setup() of an rvalue can be chained into a pipeline", "[setup]") {
    const auto pipe =
        std::vector{1, 2} | Stage(same).setup({.workers = 2}).setup({.name = "chained"});
    CHECK(to_string(pipe) == "source | chained(x2)");
    static_assert(
        std::is_same_v<decltype(std::declval<Stage<int, int>>().setup({})), Stage<int, int>&&>);
}

TEST_CASE("stage(setup, f) keeps its settings when it is called with arguments", "[setup]") {
    auto add_n = stage({.workers = 2, .name = "add"}, add);
    CHECK(to_string(add_n(1)) == "add(x2)");
    CHECK(to_string(add_n(1).setup({.workers = 3})) == "add(x3)");
    add_n.setup({.workers = 5});
    CHECK(to_string(add_n(1)) == "add(x5)");
    CHECK(to_string(stage(add).setup({.name = "late"})(1)) == "late(x1)");
    CHECK(to_string(map_stage({.workers = 6, .name = "m"}, [](int x) { return x; })) == "m(x6)");
}

TEST_CASE("setting zero workers throws at once", "[setup]") {
    CHECK_THROWS_AS(stage({.workers = 0}, same), std::invalid_argument);
    CHECK_THROWS_AS(stage({.workers = 0}, add), std::invalid_argument);
    CHECK_THROWS_AS(map_stage({.workers = 0}, [](int x) { return x; }), std::invalid_argument);
    CHECK_THROWS_AS(map_stage({.workers = 0}, [](auto x) { return x; }), std::invalid_argument);
    Stage<int, int> made(same);
    CHECK_THROWS_AS(made.setup({.workers = 0}), std::invalid_argument);
    CHECK_THROWS_AS(Stage(same).setup({.workers = 0}), std::invalid_argument);
    auto decorated = stage(add);
    CHECK_THROWS_AS(decorated.setup({.workers = 0}), std::invalid_argument);
}

TEST_CASE("setting a negative number throws at once", "[setup]") {
    CHECK_THROWS_AS(stage({.workers = minus_one}, same), std::invalid_argument);
    CHECK_THROWS_AS(stage({.qsize = minus_one}, same), std::invalid_argument);
    const int number = -3;
    CHECK_THROWS_AS(stage({.workers = static_cast<std::size_t>(number)}, same),
                    std::invalid_argument);
}

TEST_CASE("the error about a refused setting names the setting, the stage and the reason", "[setup]") {
    CHECK_THROWS_WITH(
        stage({.workers = 0, .name = "fetch"}, same),
        "parallelpipe: workers of stage \"fetch\" is 0: a stage needs at least one worker");
    CHECK_THROWS_WITH(stage({.qsize = minus_one}, same),
                      "parallelpipe: qsize is negative: write 0 for an unlimited queue");
}

TEST_CASE("a stage without a name is named by its position", "[setup]") {
    const auto pipe = std::vector{1} | Stage(same) | stage({.name = "mine"}, same) | Stage(same);
    CHECK(to_string(pipe) == "source | stage_0(x1) | mine(x1) | stage_2(x1)");
}

}  // namespace setup_tests
