// Nested readers: a run over a stage's Input, a stage inside a fused stage, or a batch with a time limit reads the
// stage's items in another thread or with a stop_token of its own. Such a reader can be stopped while the source is
// silent.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

namespace contract_nested_readers_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::listed;
using support::wait_for_stop;

namespace {

/// A source that yields three items, then waits until the run is stopped.
const auto three_and_silence = stage([]() -> generator<int> {
    for (int i = 0; i < 3; ++i) co_yield i;
    wait_for_stop();
});
const auto same = map_stage([](int x) { return x; });
const auto fails = map_stage([](const std::vector<int>&) -> int { throw std::runtime_error("no"); });

/// A sink that reads two results of a run over its Input, then leaves that run, or throws if `fails_there`.
template <class Inner>
auto reads_two(Inner inner, bool fails_there) {
    return stage([=](Input<int> in) {
        for (int x : (std::move(in) | inner).results()) {
            if (x != 1) continue;
            if (fails_there) throw std::runtime_error("at 1");
            break;
        }
    });
}

template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

TEST_CASE("a run over a stage's Input can be left while the source is silent", "[contract]") {
    (three_and_silence | reads_two(same, false)).execute();
    CHECK(error_of([] { (three_and_silence | reads_two(same, true)).execute(); }) ==
          "The task \"stage_1-0\" raised std::runtime_error: at 1");
    (three_and_silence | reads_two(same | take(2), false)).execute();
    const auto at_1 = map_stage([](int x) { return x == 1 ? throw std::runtime_error("at 1") : x; });
    CHECK(error_of([&] { (three_and_silence | reads_two(at_1, false)).execute(); }) ==
          "The task \"stage_1-0\" raised parallelpipe::TaskException: "
          "The task \"stage_0-0\" raised std::runtime_error: at 1");
    const auto in_pairs = stage([](Input<int> in) {
        for (auto& pair : (std::move(in) | batch(2, 1ms)).results())
            if (pair.size() == 2) throw std::runtime_error("two");
    });
    CHECK(error_of([&] { (three_and_silence | in_pairs).execute(); }) ==
          "The task \"stage_1-0\" raised std::runtime_error: two");
}

TEST_CASE("a run over the Input of one worker of a keyed stage can be left while the source is silent", "[contract][partition_by]") {
    // Enough items for each worker.
    const auto many_and_silence = stage([]() -> generator<int> {
        for (int i = 0; i < 100; ++i) co_yield i;
        wait_for_stop();
    });
    for (int i = 0; i < 20; ++i) {
        auto each = stage({.workers = 3}, [](Input<int> in) {
                        for (int x : (std::move(in) | same).results())
                            if (x >= 0) break;
                    }).partition_by(std::identity());
        (many_and_silence | each).execute();
    }
}

TEST_CASE("items that a run over a lent Input did not claim remain for the next loop", "[contract]") {
    std::atomic<bool> was_left = false;
    bool was_waited_for = false;
    int first = 0;
    const auto slow = stage([&]() -> generator<int> {
        co_yield 1;
        was_waited_for = support::comes_true([&] { return was_left.load(); });
        co_yield 2;
        co_yield 3;
    });
    const auto lends = stage([&](Input<int> in) -> generator<int> {
        {
            auto results = (std::ranges::ref_view(in) | same).results();
            first = *results.begin();
        }
        was_left = true;
        for (int x : in) co_yield x;
    });
    CHECK(listed(slow | lends) == std::vector{2, 3});
    CHECK(first == 1);
    CHECK(was_waited_for);
}

TEST_CASE("results on the left of another pipeline can be left while their source is silent", "[contract]") {
    auto first = (three_and_silence | same).results();
    std::vector<int> seen;
    for (int x : (std::move(first) | same).results()) {
        seen.push_back(x);
        if (x == 1) break;
    }
    CHECK(seen == std::vector{0, 1});
}

TEST_CASE("a batch with a time limit inside a fused stage, or inline, can be left while the source is silent",
          "[contract][batch]") {
    const auto timed = batch(4, 1ms);
    const std::string no = "-0\" raised std::runtime_error: no";
    CHECK(error_of([&] { (three_and_silence | fuse(same | timed | fails)).execute(); }) ==
          "The task \"stage_1.stage_2" + no);
    CHECK(error_of([&] { fuse(three_and_silence | timed | fails).execute(); }) ==
          "The task \"stage_0.stage_2" + no);
    CHECK(error_of([&] { (three_and_silence | timed | fails).execute(inline_run); }) ==
          "The task \"stage_2" + no);
    CHECK_FALSE((three_and_silence | fuse(same | timed | take(1))).execute().empty());
    CHECK_FALSE(fuse(three_and_silence | timed | take(1)).execute().empty());
    CHECK_FALSE((three_and_silence | timed | take(1)).execute(inline_run).empty());
}

TEST_CASE("inside a fused stage, the stage after one that returns early is not asked to stop", "[contract][fuse]") {
    bool was_stopped = true;
    const auto asks = stage([&](Input<std::vector<int>> in) -> generator<std::size_t> {
        std::size_t items = 0;
        for (auto& each : in) items += each.size();
        was_stopped = this_worker::stop_token().stop_requested();
        co_yield items;
    });
    CHECK((three_and_silence | fuse(same | batch(2, 1h) | take(1) | asks)).execute() == 2);
    CHECK_FALSE(was_stopped);
}

TEST_CASE("a nested run that its worker's stop_token stops is no error of the worker", "[contract]") {
    const auto twice = map_stage([](int x) { return 2 * x; });
    const auto expand = stage({.workers = 2}, [=](Input<int> in) -> generator<int> {
        for (int x : in)
            for (int y : (std::views::iota(x) | twice).results(this_worker::stop_token())) co_yield y;
    });
    for (int i = 0; i < 50; ++i) CHECK(listed(std::views::iota(0) | expand | take(3)).size() == 3);

    const auto of_another = stage([](Input<int> in) {
        for (int x : in)
            if (x == 2) throw CancelledError();
    });
    CHECK_THROWS_AS((std::vector{1, 2, 3} | of_another).execute(), TaskException);
}

TEST_CASE("an ordered stage of several workers refuses a run over its Input, with a message",
          "[contract][ordered]") {
    const auto own_run = stage({.workers = 2, .ordered = true}, [](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | same).results()) co_yield x;
    });
    const auto in_own_thread = "read its Input in its own thread";
    const auto numbers = std::views::iota(0, 100);
    CHECK(error_of([&] { listed(numbers | own_run); }).find(in_own_thread) != std::string::npos);
    const auto timed = fuse({.workers = 2, .ordered = true}, same | batch(4, 1ms));
    CHECK(error_of([&] { listed(numbers | timed); }).find(in_own_thread) != std::string::npos);

    auto alone = own_run;
    CHECK(std::ranges::equal(listed(numbers | alone.setup({.workers = 1})), numbers));
}

}  // namespace
}  // namespace contract_nested_readers_tests
