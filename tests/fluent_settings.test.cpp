#include <parallelpipe/fluent_settings.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <exception>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace fluent_settings_tests {

using namespace parallelpipe;

namespace {

struct Ignore {
    void operator()(std::exception_ptr, int&) const {}
};

/// Whether setup() and partition_by() of a T return the T itself, as an lvalue or as an rvalue.
template <class T>
constexpr bool returns_itself() {
    using key = std::identity;
    return std::is_same_v<decltype(std::declval<T&>().setup({})), T&> &&
           std::is_same_v<decltype(std::declval<T>().setup({})), T&&> &&
           std::is_same_v<decltype(std::declval<T&>().partition_by(key())), T&> &&
           std::is_same_v<decltype(std::declval<T>().partition_by(key())), T&&>;
}

/// The same for dead_letter().
template <class T>
constexpr bool returns_itself_with_a_handler() {
    return std::is_same_v<decltype(std::declval<T&>().dead_letter(Ignore())), T&> &&
           std::is_same_v<decltype(std::declval<T>().dead_letter(Ignore())), T&&>;
}

}  // namespace

TEST_CASE("settings return the stage itself, whatever made it", "[fluent_settings]") {
    const auto batches = Stage<int, std::vector<int>>(batch(2));
    const auto kept = ItemStage<int, int>(map_stage([](int x) { return x; }));
    const auto typed = map_stage([](int x) { return x; });
    const auto flat = flat_map([](int x) { return std::vector{x}; });
    const auto fused = fuse(typed | typed);
    STATIC_REQUIRE(returns_itself<std::remove_const_t<decltype(batches)>>());
    STATIC_REQUIRE(returns_itself<std::remove_const_t<decltype(kept)>>());
    STATIC_REQUIRE(returns_itself<std::remove_const_t<decltype(typed)>>());
    STATIC_REQUIRE(returns_itself<std::remove_const_t<decltype(flat)>>());
    STATIC_REQUIRE(returns_itself<std::remove_const_t<decltype(fused)>>());
    STATIC_REQUIRE(returns_itself_with_a_handler<std::remove_const_t<decltype(kept)>>());
    STATIC_REQUIRE(returns_itself_with_a_handler<std::remove_const_t<decltype(typed)>>());
    STATIC_REQUIRE(returns_itself_with_a_handler<std::remove_const_t<decltype(flat)>>());
}

TEST_CASE("setup returns a stage itself that does not know its items yet", "[fluent_settings]") {
    auto generic = map_stage([](auto x) { return x; });
    auto sum = reduce({.workers = 2}, 0, std::plus<int>(), std::plus<int>());
    STATIC_REQUIRE(std::is_same_v<decltype(generic.setup({})), decltype(generic)&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::move(generic).setup({})), decltype(generic)&&>);
    STATIC_REQUIRE(std::is_same_v<decltype(sum.setup({})), decltype(sum)&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::move(sum).setup({})), decltype(sum)&&>);
    CHECK(to_string(std::vector{1} | generic.setup({.workers = 3, .name = "same"})) == "source | same(x3)");
    CHECK(to_string(std::vector{1} | sum.setup({.name = "sum"})) == "source | sum(x2) | sum_combine(x1)");
}

TEST_CASE("a setting that is refused leaves the stage as it was", "[fluent_settings]") {
    auto same = map_stage({.workers = 2, .name = "same"}, [](auto x) { return x; });
    CHECK_THROWS_AS(same.setup({.workers = 0, .name = "other"}), std::invalid_argument);
    CHECK(to_string(std::vector{1} | same) == "source | same(x2)");
}

TEST_CASE("a key and a handler of a stage that does not know its items replace earlier ones", "[fluent_settings]") {
    int calls = 0;
    const auto wrong = [&calls](std::exception_ptr, int&) { calls += 100; };
    const auto right = [&calls](std::exception_ptr, int&) { ++calls; };
    const auto failing = map_stage([](auto x) { return x == 2 ? throw std::runtime_error("two") : x; });
    const auto buried = failing.dead_letter(wrong).partition_by([](int) { return 0; }).dead_letter(right);
    CHECK((std::vector{1, 2, 3} | buried).collect() == std::vector{1, 3});
    CHECK(calls == 1);
    CHECK_THROWS_AS((std::vector{1, 2, 3} | failing).collect(), TaskException);
}

}  // namespace fluent_settings_tests
