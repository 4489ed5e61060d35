// A stage with threads of its own (a batch with a time limit, a run over its Input) inside a fused stage or an inline
// run. The stages before it run in these threads, at the same time as the stages after it.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace contract_nested_runs_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Counted;
using support::Tally;
using support::wait_for_stop;

namespace {

using Chain = Pipeline<int, int>;
using Pipe = Pipeline<void, int>;
using Generator = std::function<generator<int>(Input<int>)>;

Stage<int, int> gen(Generator f) { return Stage<int, int>(std::move(f)); }
const auto same = map_stage([](int x) { return x; });
/// A stage that runs a pipeline over its Input.
const auto own_run = gen([](Input<int> in) -> generator<int> {
    for (int x : (std::move(in) | same).results()) co_yield x;
});
const Chain in_pairs = same | batch(2, 1ms) | unbatch();

generator<int> counted_to(int end) {
    for (int i = 0; i < end; ++i) co_yield i;
}
/// Yields `items` numbers, then waits until the run is stopped.
generator<int> then_silence(int items) {
    for (int i = 0; i < items; ++i) co_yield i;
    wait_for_stop();
}

/// The ways to run stages after a source without a thread for each stage.
enum class Form { fused, with_range, with_source, in_line, fused_in_line };
const std::vector<Form> forms{Form::fused, Form::with_range, Form::with_source, Form::in_line,
                              Form::fused_in_line};

Results<int> results_of(Form form, std::function<generator<int>()> source, const Chain& chain,
                        std::stop_token token = {}) {
    const Stage<void, int> first(source);
    switch (form) {
        case Form::fused:
            return (first | fuse(chain)).results(token);
        case Form::with_range:
            return fuse(source() | chain).results(token);
        case Form::with_source:
            return fuse(first | chain).results(token);
        case Form::in_line:
            return (first | chain).results(inline_run, token);
        default:
            return (first | fuse(same | chain)).results(inline_run, token);
    }
}

/// Returns: the message of the exception that a loop over the results throws; "" without one.
std::string error_of(Results<int> results) {
    try {
        for ([[maybe_unused]] int x : results) {
        }
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

/// A meeting point: the first two callers wait for each other.
struct Meeting {
    std::atomic<int> here{0};
    void come() {
        ++here;
        support::comes_true([this] { return here >= 2; });
    }
};

Chain fails_at(int bad, Meeting& meeting) {
    return map_stage([bad, &meeting](int x) -> int {
        if (x != bad) return x;
        meeting.come();
        throw std::runtime_error(std::string(100, 'x'));
    });
}

}  // namespace

TEST_CASE("a stage before and one after a stage with threads of its own can fail at the same time",
          "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    for (const Chain& middle : {in_pairs, Chain(own_run), in_pairs | in_pairs, own_run | own_run,
                                in_pairs | own_run, own_run | fuse(in_pairs | same)}) {
        for (int i = 0; i < 10; ++i) {
            Meeting meeting;
            const Chain chain = fails_at(1, meeting) | middle | fails_at(0, meeting);
            const std::string error = error_of(results_of(
                form, [] { return counted_to(5); }, chain));
            CHECK(error.find("xxx") != std::string::npos);
        }
    }
}

TEST_CASE(
    "an inline run reports the errors on both sides of a stage with threads of its own",
    "[contract][inline_run]") {
    Meeting meeting;
    const Chain chain = fails_at(1, meeting) | in_pairs | fails_at(0, meeting);
    try {
        static_cast<void>((std::views::iota(0, 5) | chain).execute(inline_run));
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.errors().size() == 2);
    }
}

TEST_CASE("a failure next to a stage with threads of its own leaks no item",
          "[contract][fuse][inline_run]") {
    // Failures of the source, a copy of a function, an item's move, a handler; alone and with a failure at the end.
    const bool inlined = GENERATE(false, true);
    const bool last_fails = GENERATE(false, true);
    for (long steps = 1; steps < 40; ++steps) {
        support::Fuse moves(steps % 2 == 0 ? steps : -1);
        support::Fuse copies;
        const auto source = [&moves]() -> generator<support::Fragile> {
            for (int i = 0; i < 6; ++i) co_yield support::Fragile(moves, i);
        };
        const support::FragileState state(copies);
        const auto pass = [state](Input<support::Fragile> in) -> generator<support::Fragile> {
            for (auto& x : in) co_yield std::move(x);
        };
        const auto timed = batch(2, 1ms);
        const auto last = [last_fails,
                           state](Input<std::vector<support::Fragile>> in) -> generator<int> {
            for (auto& x : in) {
                if (last_fails && x.front().value > 1) throw std::runtime_error("last");
                co_yield static_cast<int>(x.size());
            }
        };
        const auto chain = stage(pass) | stage(pass) | timed | stage(last);
        const auto pipe = stage(source) | fuse(chain);
        copies.left = steps % 2 == 1 ? steps / 8 + 1 : -1;
        try {
            if (inlined)
                static_cast<void>((stage(source) | chain).execute(inline_run));
            else
                static_cast<void>(pipe.execute());
        } catch (const std::exception& e) {
            const std::string what = e.what();
            CHECK((what.find("burnt") != std::string::npos ||
                   what.find("last") != std::string::npos));
        }
        CHECK(moves.alive == 0);
    }
}

TEST_CASE(
    "an item that a nested fused stage had ready when one of its threads failed is not lost",
    "[contract][fuse][inline_run]") {
    const bool inlined = GENERATE(false, true);
    Tally tally;
    std::atomic<bool> has_first{false};
    const auto source = stage([&tally]() -> generator<Counted> {
        for (int i = 0; i < 2; ++i) co_yield Counted(tally, i);
    });
    const auto fails = map_stage([&](Counted&& x) {
        if (x.value == 1) {
            support::comes_true([&] { return has_first.load(); });
            throw std::runtime_error("at 1");
        }
        return std::move(x);
    });
    const auto slow = map_stage([&](Counted&& x) {
        has_first = true;
        support::give_it_a_chance();
        return std::move(x);
    });
    const auto pass = map_stage([](Counted&& x) { return std::move(x); });
    const auto inner = fuse(fails | batch(4, 1ms) | unbatch() | slow);
    std::string error;
    try {
        auto results = inlined ? (source | inner | pass).results(inline_run)
                               : fuse(source | inner | pass).results();
        for ([[maybe_unused]] const Counted& x : results) {
        }
    } catch (const TaskException& e) {
        error = e.what();
    }
    CHECK(error.find("at 1") != std::string::npos);
    CHECK(tally.alive == 0);
}

TEST_CASE("stages with threads of their own can be left and cancelled at the same time",
          "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    const bool fails = GENERATE(false, true);
    const auto at_3 = map_stage(
        [fails](int x) { return fails && x == 3 ? throw std::runtime_error("at 3") : x; });
    for (const Chain& chain :
         {at_3 | in_pairs, in_pairs | at_3, own_run | at_3, in_pairs | own_run | at_3 | in_pairs}) {
        for (int i = 0; i < 10; ++i) {
            auto results = results_of(
                form, [] { return counted_to(1'000'000); }, chain);
            std::jthread other;
            try {
                for (int x : results) {
                    if (x == 1) other = std::jthread([&results] { results.cancel(); });
                    if (x == 2) break;
                }
            } catch (const CancelledError&) {
            } catch (const TaskException&) {
                CHECK(fails);
            }
            if (other.joinable()) other.join();
        }
    }
}

TEST_CASE("a stage that is no longer needed reports no error of its nested run",
          "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    const auto with_token = gen([](Input<int> in) -> generator<int> {
        const std::stop_token token = this_worker::stop_token();
        const auto twice = map_stage([token](int x) {
            // A nested run that the same token stops.
            return (std::views::iota(0, x + 1) | same).execute(token);
        });
        for (int x : (std::move(in) | twice).results(token)) co_yield x;
    });
    const auto returned = Stage([](Input<int> in) { return (std::move(in) | same).results(); });
    const auto in_line = gen([](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | same).results(inline_run)) co_yield x;
    });
    for (const Chain& chain :
         {Chain(own_run), Chain(with_token), Chain(returned), Chain(in_line), own_run | in_pairs,
          in_pairs | own_run, own_run | own_run, with_token | in_pairs}) {
        for (int i = 0; i < 20; ++i)
            CHECK(error_of(
                      results_of(
                          form, [] { return counted_to(1'000'000'000); }, same | chain | take(3)))
                      .empty());
    }
}

TEST_CASE("a stage with threads reports no error if the same token stops its nested runs",
          "[contract]") {
    const auto outer = gen([](Input<int> in) -> generator<int> {
        const std::stop_token token = this_worker::stop_token();
        const auto inner = map_stage(
            [token](int x) { return (std::views::iota(0, x + 1) | same).execute(token); });
        for (int x : (std::move(in) | inner).results(token)) co_yield x;
    });
    for (int i = 0; i < 100; ++i)
        CHECK(error_of((std::views::iota(0) | outer | take(3)).results()).empty());
}

TEST_CASE(
    "a run over an Input can be left while the stages before are silent, fused and inline too",
    "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    const auto moved = gen([](Input<int> in) -> generator<int> {
        int last = -1;
        for (int x : (std::move(in) | same).results())
            if ((last = x) == 1) break;
        co_yield last;
    });
    const auto lent = gen([](Input<int> in) -> generator<int> {
        int last = -1;
        for (int x : (std::ranges::ref_view(in) | same).results())
            if ((last = x) == 1) break;
        co_yield last;
    });
    const auto viewed = gen([](Input<int> in) -> generator<int> {
        int last = -1;
        for (int x : (std::move(in) | std::views::transform(std::identity()) | same).results())
            if ((last = x) == 1) break;
        co_yield last;
    });
    const auto enough_inside = gen([](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | same | take(2)).results()) co_yield x;
    });
    const auto waits_in_stage = gen([](Input<int> in) -> generator<int> {
        for (int x : in) {
            co_yield x;
            if (x == 2) wait_for_stop();
        }
    });
    for (const Chain& chain : {Chain(moved), Chain(lent), Chain(viewed), Chain(enough_inside)}) {
        const auto sink = stage([](Input<int> in) {
            for (int x : in)
                if (x == 1) return;
        });
        const auto source = stage([] { return then_silence(3); });
        (source | fuse(same | own_run | chain | sink)).execute();
        (source | fuse(same | own_run | chain | sink)).execute(inline_run);
        for (const Chain& before :
             {Chain(same), Chain(waits_in_stage), Chain(in_pairs), Chain(own_run)}) {
            auto results = results_of(
                form, [] { return then_silence(3); }, before | chain);
            int last = -1;
            for (int x : results) last = x;
            CHECK(last == 1);
        }
    }
}

TEST_CASE("a result whose move throws ends a stage while the run over its Input still reads",
          "[contract][inline_run]") {
    // ThreadSanitizer sees whether the error asks the reader for its item before that run is joined.
    support::Fuse fuse;
    auto nests = stage({.ordered = true}, [&](Input<int> items) -> generator<support::Fragile> {
        auto inner = std::move(items) | map_stage([](int x) { return x; });
        for (int x : inner.results()) co_yield support::Fragile(fuse, x);
    });
    auto pipe = std::views::iota(0) | nests | map_stage([](const support::Fragile& x) { return x.value; });
    for (int run = 0; run < 20; ++run) {
        fuse.left = 30;
        CHECK_THROWS_AS(pipe.execute(inline_run), TaskException);
        fuse.left = 30;
        CHECK_THROWS_AS(pipe.execute(), TaskException);
        CHECK(fuse.alive == 0);
    }
}

TEST_CASE("an exception in the loop over a nested run does not wait for the stages before",
          "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    const auto throws = gen([](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | same).results()) {
            if (x == 1) throw std::runtime_error("seen enough");
            co_yield x;
        }
    });
    CHECK(error_of(results_of(
                       form, [] { return then_silence(2); }, same | throws))
              .find("seen enough") != std::string::npos);
}

TEST_CASE(
    "an item that a run over a lent Input had claimed remains for the next loop, fused and inline too",
    "[contract][fuse][inline_run]") {
    const Form form = GENERATE(from_range(forms));
    std::binary_semaphore was_left(0);
    // Not a coroutine: the generator outlives this lambda.
    const auto source = [&was_left] {
        return [](std::binary_semaphore& go_on) -> generator<int> {
            co_yield 1;
            go_on.acquire();
            co_yield 2;
            co_yield 3;
        }(was_left);
    };
    const auto lends = gen([&](Input<int> in) -> generator<int> {
        {
            auto results = (std::ranges::ref_view(in) | same).results();
            if (*results.begin() != 1) throw std::logic_error("not the first one");
        }
        was_left.release();
        for (int x : in) co_yield x;
    });
    auto results = results_of(form, source, same | lends);
    std::vector<int> all;
    for (int x : results) all.push_back(x);
    CHECK(all == std::vector{2, 3});
}

TEST_CASE("an item that a run over a lent Input had claimed is destroyed with the stage",
          "[contract][fuse][inline_run]") {
    Tally tally;
    const bool inlined = GENERATE(false, true);
    std::binary_semaphore was_left(0);
    const auto source = stage([&]() -> generator<Counted> {
        co_yield Counted(tally, 1);
        was_left.acquire();
        for (int i = 2; i < 100; ++i) co_yield Counted(tally, i);
    });
    const auto pass = map_stage([](Counted&& x) { return std::move(x); });
    const auto leaves = stage([&](Input<Counted> in) -> generator<int> {
        {
            auto results = (std::ranges::ref_view(in) | pass).results();
            static_cast<void>(results.begin()->value);
        }
        was_left.release();
        support::give_it_a_chance();
        co_yield 7;
    });
    if (inlined)
        CHECK((source | pass | leaves).execute(inline_run) == 7);
    else
        CHECK((source | fuse(pass | leaves)).execute() == 7);
    CHECK(tally.alive == 0);
}

TEST_CASE(
    "results of an inline run on the left of a pipeline can be left while their source is silent",
    "[contract][inline_run]") {
    auto first = (stage([] { return then_silence(3); }) | same).results(inline_run);
    std::vector<int> seen;
    for (int x : (std::move(first) | same).results()) {
        seen.push_back(x);
        if (x == 1) break;
    }
    CHECK(seen == std::vector{0, 1});
}

TEST_CASE("a waiting fused range is asked to stop, whatever stage reads it",
          "[contract][fuse][range_in_turn]") {
    const auto in_line = gen([](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | same).results(inline_run)) co_yield x;
    });
    for (const Chain& chain :
         {Chain(same), Chain(own_run), Chain(in_pairs), Chain(in_line), in_line | own_run}) {
        auto results = fuse(then_silence(3) | chain).results();
        for (int x : results)
            if (x == 2) break;
        results.cancel();
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
}

}  // namespace contract_nested_runs_tests
