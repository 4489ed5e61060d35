#include <parallelpipe/stages/source.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace source_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Counted;
using support::listed;
using support::outcome_of;
using support::sorted;
using support::Tally;

namespace {

/// 0, 1, ... then an error.
generator<int> failing_at(int end) {
    for (int i = 0; i < end; ++i) co_yield i;
    throw std::invalid_argument("unreadable");
}

int add_one(int x) { return x + 1; }

template <class F>
std::string message_of(F f) {
    try {
        static_cast<void>(f());
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

std::vector<std::string> list_files(const std::string& folder) { return {folder + "/a", folder + "/bc"}; }
std::size_t size_of(const std::string& name) { return name.size(); }

}  // namespace

TEST_CASE("a source of a range is a stage of its value type", "[source]") {
    const std::vector<int> numbers{1, 2, 3};
    auto made = source(numbers);
    static_assert(std::is_same_v<decltype(made), Stage<void, int>>);
    static_assert(std::is_same_v<decltype(source(std::vector<bool>())), Stage<void, bool>>);
    static_assert(std::is_same_v<decltype(source(std::views::iota(0, 3))), Stage<void, int>>);
    CHECK(listed(made | map_stage(add_one)) == std::vector{2, 3, 4});
    CHECK(listed(made | map_stage([](auto x) { return x + 1; })) == std::vector{2, 3, 4});
    CHECK(listed(made | (map_stage(add_one) | map_stage(add_one))) == std::vector{3, 4, 5});
    CHECK(listed(made | batch(2)) == std::vector<std::vector<int>>{{1, 2}, {3}});
    CHECK(listed(made | map_stage([](double x) { return x / 2; })) == std::vector{0.5, 1.0, 1.5});
    CHECK(listed(source(std::vector{true, false}) | map_stage([](bool x) { return !x; })) ==
          std::vector{false, true});
}

TEST_CASE("a source runs by itself, in every way", "[source]") {
    const std::vector<int> numbers{1, 2, 3};
    const auto made = source({.qsize = 1, .name = "numbers"}, numbers);
    CHECK(listed(made) == numbers);
    CHECK(made.execute() == 3);
    CHECK(made.collect() == numbers);
    CHECK(made.collect<std::set>() == std::set{1, 2, 3});
    CHECK(made.collect(inline_run) == numbers);
    int sum = 0;
    made.for_each([&](int x) { sum += x; });
    CHECK(sum == 6);
    CHECK(source(std::vector<int>()).collect().empty());
    CHECK_THROWS_AS(source(std::vector<int>()).execute(), NoResultError);
}

TEST_CASE("a source owns a range as a plain one on the left does", "[source]") {
    SECTION("an lvalue is referred to") {
        std::vector<int> numbers{1, 2};
        const auto made = source({.name = "numbers"}, numbers) | map_stage(add_one);
        numbers.push_back(3);
        CHECK(made.collect() == std::vector{2, 3, 4});
        CHECK(numbers == std::vector{1, 2, 3});
    }
    SECTION("an rvalue is owned, and read again and again") {
        const auto made = source({.name = "numbers"}, std::vector{1, 2});
        for (int run = 0; run < 3; ++run) CHECK(made.collect() == std::vector{1, 2});
        CHECK((made | map_stage(add_one)).collect() == std::vector{2, 3});
    }
    SECTION("what can be read once runs once, in all copies") {
        const auto made = source({.name = "numbers"}, failing_at(0) | std::views::take(0));
        const auto copy = made;
        CHECK(made.collect(inline_run).empty());
        CHECK_THROWS_AS(copy.collect(), std::logic_error);
        CHECK_THROWS_AS((copy | map_stage(add_one)).execute(), std::logic_error);
    }
    SECTION("move-only elements are moved") {
        std::vector<std::unique_ptr<int>> pointers;
        pointers.push_back(std::make_unique<int>(7));
        const auto made = source(std::move(pointers)) | map_stage([](std::unique_ptr<int> p) { return *p; });
        CHECK(made.execute() == 7);
        CHECK_THROWS_AS(made.execute(), std::logic_error);
    }
    SECTION("elements that are given away are not copied") {
        Tally tally;
        {
            auto made = [](Tally& t) -> generator<Counted> {
                for (int i = 0; i < 5; ++i) co_yield Counted(t, i);
            };
            CHECK((source(made(tally)) | map_stage([](Counted x) { return x.value; })).collect().size() == 5);
        }
        CHECK(tally.copies == 0);
        CHECK(tally.alive == 0);
    }
}

TEST_CASE("the name of a source stands in errors, statistics and texts", "[source]") {
    const auto pipe = source({.name = "files"}, std::vector{1, 2, 3}) | map_stage({.workers = 2}, add_one);
    CHECK(to_string(pipe) == "files | stage_0(x2)");
    CHECK(to_string(source(std::vector{1}) | map_stage(add_one)) == "source | stage_0(x1)");
    auto results = pipe.results();
    for (int x : results) CHECK(x > 1);
    const Statistics stats = results.stats();
    REQUIRE(stats.stages.size() == 2);
    CHECK(stats.stages[0].name == "files");
    CHECK(stats.stages[0].is_range);
    CHECK(stats.stages[0].workers == 1);
    CHECK(stats.stages[0].items_out == 3);
    CHECK_FALSE(stats.stages[1].is_range);

    const auto fails = source({.name = "files"}, failing_at(2)) | map_stage(add_one);
    try {
        fails.execute();
        FAIL("nothing was thrown");
    } catch (const TaskException& error) {
        CHECK(error.what() == std::string("The task \"files-0\" raised std::invalid_argument: unreadable"));
        CHECK(error.stage() == "files");
    }
    auto inline_results = pipe.results(inline_run);
    for (int x : inline_results) CHECK(x > 1);
    CHECK(inline_results.stats().stages[0].name == "files");
    CHECK(inline_results.stats().stages[0].is_range);
}

TEST_CASE("the queue of a source holds its qsize", "[source]") {
    std::atomic<int> read{0};
    auto counting = std::views::iota(0, 1000) | std::views::transform([&read](int x) {
                        ++read;
                        return x;
                    });
    const auto made = source({.qsize = 4}, counting);
    auto results = made.results();
    CHECK(*results.begin() == 0);
    CHECK(support::comes_true([&] { return read >= 5; }));
    support::give_it_a_chance();
    CHECK(read <= 7);  // those that wait, one in each hand, and one that looks ahead
    CHECK(to_dot(made).find("4") != std::string::npos);
}

TEST_CASE("a source with OnError::finish that throws ends, and the rest is delivered", "[source]") {
    const auto made = [] { return source({.name = "files", .on_error = OnError::finish}, failing_at(300)); };
    const auto check = [](const support::Outcome& outcome, std::size_t items) {
        CHECK(outcome.items.size() == items);
        CHECK(outcome.text == "The task \"files-0\" raised std::invalid_argument: unreadable");
    };
    SECTION("before one stage") { check(outcome_of(made() | map_stage({.workers = 3}, add_one)), 300); }
    SECTION("before several") {
        check(outcome_of(made() | map_stage(add_one) | filter([](int x) { return x % 2 == 0; })), 150);
    }
    SECTION("before a stage that has a last word") {
        CHECK(outcome_of(made() | reduce(0, [](int sum, int) { return sum + 1; })).items == std::vector{300});
    }
    SECTION("by itself") { check(outcome_of(made()), 300); }
    SECTION("without threads") {
        check(outcome_of((made() | map_stage({.workers = 2}, add_one)).results(inline_run)), 300);
    }
    SECTION("before a sink") {
        std::atomic<int> seen{0};
        CHECK_THROWS_AS((made() | for_each([&](int) { ++seen; })).execute(), TaskException);
        CHECK(seen == 300);
    }
}

TEST_CASE("an ordered source that throws delivers what came before", "[source]") {
    const auto outcome = outcome_of(source({.ordered = true}, failing_at(300)) | map_stage({.workers = 3}, add_one));
    CHECK(outcome.items.size() == 300);
    CHECK_FALSE(outcome.text.empty());
}

TEST_CASE("fuse reads a source as a plain range, with its name and its OnError", "[source][fuse]") {
    const std::vector<int> numbers = support::up_to(100);
    const auto fused = fuse({.workers = 3, .name = "f"}, source({.name = "files"}, numbers) | map_stage(add_one));
    CHECK(sorted(fused).size() == 100);
    CHECK(sorted(fused).back() == 100);
    CHECK(fused.collect(inline_run).size() == 100);

    const auto failing = [](OnError on_error, Setup of_fused) {
        return fuse(std::move(of_fused),
                    source({.name = "files", .on_error = on_error}, failing_at(200)) | map_stage(add_one));
    };
    const std::string text = R"(raised std::invalid_argument: unreadable)";
    SECTION("the name stands in its errors") {
        const auto outcome = outcome_of(failing(OnError::stop, {.workers = 2}));
        CHECK(outcome.text.find("The task \"files-") == 0);
        CHECK(outcome.text.find(text) != std::string::npos);
    }
    SECTION("with OnError::finish all that was read before is delivered") {
        for (const std::size_t workers : {1U, 3U}) {
            const auto outcome = outcome_of(failing(OnError::finish, {.workers = workers}));
            CHECK(outcome.items.size() == 200);
            CHECK(outcome.text.find("The task \"files-") == 0);
        }
        const auto inline_outcome = outcome_of(failing(OnError::finish, {.workers = 2}).results(inline_run));
        CHECK(inline_outcome.items.size() == 200);
        CHECK(inline_outcome.text.find("The task \"files-") == 0);
    }
    SECTION("also in a fused stage that is fused again, and before more stages") {
        const auto outer = fuse({.workers = 2}, failing(OnError::finish, {}) | map_stage(add_one)) |
                           map_stage({.workers = 2}, add_one);
        const auto outcome = outcome_of(outer);
        CHECK(outcome.items.size() == 200);
        CHECK(outcome.text.find("The task \"files-") == 0);
    }
    SECTION("and a stage after it has a last word") {
        const auto batches = fuse(source({.on_error = OnError::finish}, failing_at(5)) | batch(2));
        std::size_t items = 0;
        try {
            for (const auto& batch : batches.results()) items += batch.size();
        } catch (const TaskException&) {
            items += 1000;
        }
        CHECK(items == 1005);
    }
    SECTION("a range alone is refused") {
        CHECK(message_of([&] { return fuse({.workers = 2}, source({.name = "files"}, numbers)); }) ==
              "parallelpipe: fuse has only the range \"files\" and no stage to read it; write fuse(source(range) | "
              "stage)");
    }
}

TEST_CASE("a source refuses the settings that a range cannot have", "[source]") {
    const std::vector<int> numbers{1, 2, 3};
    CHECK(message_of([&] { return source({.workers = 2, .name = "files"}, numbers); }) ==
          "parallelpipe: workers of the range \"files\" is more than 1, but one worker reads it; set workers in the "
          "stage after it, or write fuse({.workers = 4}, source(range) | stage)");
    CHECK(message_of([&] { return source({.on_error = OnError::skip}, numbers); }) ==
          "parallelpipe: on_error of a range is skip, but a range that threw cannot go on; write OnError::finish, and "
          "what came before is delivered");
    CHECK(message_of([&] { return source({.retry = Retry{}}, numbers); }) ==
          "parallelpipe: retry of a range is set, but an element cannot be read again; write "
          "source(range) | map_stage({.retry = Retry{}}, f)");
    CHECK_THROWS_AS(source({.workers = 0}, numbers), std::invalid_argument);
    auto made = source({.workers = 1}, numbers);
    CHECK_THROWS_AS(made.setup({.workers = 3}), std::invalid_argument);
    CHECK_THROWS_AS(made.setup({.retry = Retry{}}), std::invalid_argument);
    Stage<void, int> kept = made;
    CHECK_THROWS_AS(kept.setup({.workers = 3}), std::invalid_argument);
    kept.setup({.qsize = 2, .name = "kept"});
    CHECK(to_string(kept) == "kept");
    CHECK(kept.collect() == numbers);
}

TEST_CASE("the example of source", "[source]") {
    const std::deque<int> numbers{1, 2};
    std::ostringstream out;
    const auto print = [&](std::size_t size) { out << size << ' '; };
    auto files = source({.qsize = 4, .name = "files", .on_error = OnError::finish}, list_files("."));
    for (auto& size : (files | map_stage({.workers = 4}, size_of)).results()) print(size);
    auto all = source(numbers).collect();
    CHECK(out.str().size() == 4);
    CHECK(all == std::vector{1, 2});
}

}  // namespace source_tests
