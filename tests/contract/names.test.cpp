#include <parallelpipe.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Name lookup: programs without a using-directive use full names, and find operator| by its operands.
namespace contract_names_tests {

namespace pp = parallelpipe;

template <class Pipeline>
auto all_of(const Pipeline& pipeline) {
    std::vector<std::remove_cvref_t<decltype(*pipeline.results().begin())>> all;
    for (auto& each : pipeline.results()) all.push_back(each);
    return all;
}

const std::vector<int> numbers{1, 2, 3, 4};

/// The namespace of another library, with unconstrained function templates.
namespace greedy {
template <class... T>
void fuse(T&&...) = delete;
template <class... T>
void entries_of(T&&...) = delete;
template <class... T>
void without_object(T&&...) = delete;
template <class... T>
void make_state_of(T&&...) = delete;
template <class... T>
void source(T&&...) = delete;

struct Item {
    int value = 0;
};
struct Next {
    Item operator()(const Item& item) const { return {item.value + 1}; }
};
struct IsOdd {
    bool operator()(const Item& item) const { return item.value % 2 != 0; }
};
}  // namespace greedy

TEST_CASE("stages that get their item type from the left need no using-directive", "[names]") {
    CHECK(all_of(numbers | pp::take(2)) == std::vector{1, 2});
    CHECK(all_of(numbers | pp::take_while([](int x) { return x < 3; })) == std::vector{1, 2});
    CHECK(all_of(numbers | pp::drop(3)) == std::vector{4});
    CHECK(all_of(numbers | pp::batch(3)) == std::vector<std::vector<int>>{{1, 2, 3}, {4}});
    CHECK(all_of(numbers | pp::batch(3) | pp::unbatch()) == numbers);
    CHECK(all_of(numbers | pp::enumerate() | pp::map_stage([](auto x) { return x.second; })) == numbers);
    CHECK(all_of(numbers | pp::throttle(1e9)) == numbers);
    CHECK(all_of(numbers | pp::map_stage([](auto x) { return 2 * x; })) == std::vector{2, 4, 6, 8});
    CHECK(all_of(numbers | pp::filter([](auto x) { return x > 2; })) == std::vector{3, 4});
    CHECK(all_of(numbers | pp::reduce(0, [](int a, int b) { return a + b; })) == std::vector{10});
    CHECK((numbers | pp::reduce({.workers = 2}, 0, [](int a, int b) { return a + b; },
                                [](int a, int b) { return a + b; }))
              .execute() == 10);
}

TEST_CASE("stages with a key, and ready-made stages whose items own memory, need no using-directive", "[names]") {
    const auto key = [](int x) { return x % 2; };
    CHECK(all_of(numbers | pp::map_stage([](auto x) { return x; }).partition_by(key)) == numbers);
    const std::vector<std::string> words{"a", "loop"};
    CHECK(all_of(words | pp::map_stage([](std::string_view word) { return word.size(); })) ==
          std::vector<std::size_t>{1, 4});
}

TEST_CASE("sources, RateLimits and states of workers need no using-directive", "[names]") {
    CHECK(all_of(pp::source({.qsize = 2}, numbers) | pp::throttle(pp::RateLimit(1e9))) == numbers);
    const auto state = [] { return greedy::Item{7}; };
    const auto add = [](greedy::Item& own, const greedy::Item& item) { return own.value + item.value; };
    CHECK(all_of(pp::source(std::vector<greedy::Item>(2)) | pp::map_stage(pp::with_state(state, add))) ==
          std::vector{7, 7});
    CHECK(all_of(pp::source(std::vector<greedy::Item>(2)) |
                 pp::take_while(pp::with_state(state, [](greedy::Item&, greedy::Item&) { return false; })))
              .empty());
}

TEST_CASE("stages with known item types, and stages inside fuse, need no using-directive", "[names]") {
    const auto twice = pp::map_stage([](int x) { return 2 * x; });
    CHECK(all_of(numbers | (twice | pp::take(1))) == std::vector{2});
    CHECK(all_of(numbers | pp::fuse(twice | pp::filter([](auto x) { return x > 4; }))) == std::vector{6, 8});
    CHECK(all_of(pp::stage([]() -> pp::generator<int> { co_yield 7; }) | pp::take(1)) == std::vector{7});
}

TEST_CASE("functions of the same name in the namespace of the items are not called", "[names]") {
    const std::vector<greedy::Item> items(3);
    const auto odd = pp::fuse(pp::map_stage(greedy::Next{}) | pp::filter(greedy::IsOdd{}));
    CHECK((items | odd | pp::fuse(pp::map_stage(greedy::Next{}))).execute().value == 2);
    CHECK(pp::fuse(items | pp::map_stage(greedy::Next{})).execute().value == 1);
}

}  // namespace contract_names_tests
