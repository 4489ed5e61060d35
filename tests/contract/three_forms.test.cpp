// The same stages with threads, fused and inline have the same results and errors. One difference is allowed: when a
// stage throws, a run with threads may lose items in flight, unless the stage is ordered or has OnError::finish.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/outcome.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace contract_three_forms_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

using Front = Pipeline<int, int>;
using Back = Pipeline<int, std::string>;
using Generator = std::function<generator<int>(Input<int>)>;

constexpr int items = 9;

constexpr const char* enough = "has seen enough";

struct Seen {
    std::vector<std::string> results;
    std::vector<std::string> errors;
    /// After `take`, a run with threads may or may not have read ahead to the error.
    bool has_seen_enough = false;

    bool operator==(const Seen& other) const {
        return results == other.results &&
               (errors == other.errors || has_seen_enough || other.has_seen_enough);
    }
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    for (const auto& result : seen.results) out << result << ' ';
    for (const auto& error : seen.errors) out << "! " << error;
    return out;
}

Seen seen(Results<std::string> results) {
    Seen all;
    try {
        for (std::string& result : results) all.results.push_back(std::move(result));
    } catch (const TaskException& e) {
        for (const TaskError& error : e.errors()) all.errors.push_back(error.message());
    }
    return all;
}

std::string text(int x) { return std::to_string(x); }
std::string text(const std::vector<int>& batch) {
    std::string all = "[";
    for (int x : batch) all += text(x) + ' ';
    return all + ']';
}
std::string text(const std::vector<std::vector<int>>& batches) {
    std::string all = "[";
    for (const auto& batch : batches) all += text(batch);
    return all + ']';
}
std::string text(const std::pair<std::size_t, int>& item) {
    return std::to_string(item.first) + ':' + text(item.second);
}
const auto as_text = [](const auto& item) { return text(item); };

int fail_at_5(int x) { return x == 5 ? throw std::runtime_error("at 5") : x; }

generator<int> pass(Input<int> in) {
    for (int x : in) co_yield x;
}

Front gen(Setup setup, Generator f) {
    return Stage<int, int>(std::move(f)).setup(std::move(setup));
}

/// Stages that fail, with the settings `setup`.
std::vector<Front> fronts(const Setup& setup) {
    const auto throws = gen(setup, [](Input<int> in) -> generator<int> {
        for (int x : in) co_yield fail_at_5(x);
    });
    const auto throws_at_end = gen(setup, [](Input<int> in) -> generator<int> {
        for (int x : in) co_yield x;
        co_yield 100;
        throw std::runtime_error("at the end");
    });
    const auto throws_between = gen(setup, [](Input<int> in) -> generator<int> {
        for (int x : in) {
            co_yield x;
            fail_at_5(x);
            co_yield -x;
        }
    });
    const auto hands_on = map_stage(setup, fail_at_5).dead_letter([](std::exception_ptr, int&) {
        throw std::logic_error("nowhere to put it");
    });
    const auto fails = map_stage(setup, fail_at_5);
    const auto same = map_stage([](int x) { return x; });
    std::vector<Front> all = {fails,         throws,
                              throws_at_end, throws_between,
                              same | fails,  gen({}, pass) | throws,
                              fails | same,  throws | fuse(same | gen({}, pass))};
    if (setup.ordered) all.push_back(hands_on);
    return all;
}

/// Stages that keep items, count them, yield after the end, or return early.
std::vector<Back> backs() {
    const auto sum = [](int a, int b) { return a + b; };
    const auto last_words = gen({}, [](Input<int> in) -> generator<int> {
        int count = 0;
        for (int x : in) {
            ++count;
            co_yield x;
        }
        co_yield 1000 + count;
    });
    const auto eager =
        Stage<int, int>(std::function<std::vector<int>(Input<int>)>([](Input<int> in) {
            std::vector<int> all;
            for (int x : in) all.insert(all.begin(), x);
            return all;
        }));
    const auto own_run = gen({}, [](Input<int> in) -> generator<int> {
        for (auto& pair : (std::move(in) | batch(2)).results())
            co_yield pair.front() + 10 * static_cast<int>(pair.size());
    });
    const auto same = map_stage([](int x) { return x; });
    const auto to_text = map_stage([](int x) { return text(x); });
    return {
        to_text,
        same | batch(3) | map_stage(as_text),
        same | batch(3, 1h) | map_stage(as_text),
        same | batch(2) | batch(2) | map_stage(as_text),
        same | batch(2, 1h) | batch(2, 1h) | map_stage(as_text),
        last_words | reduce(0, sum) | to_text,
        last_words | to_text,
        last_words | take(6) | batch(4) | map_stage(as_text).setup({.name = enough}),
        eager | enumerate() | map_stage(as_text),
        last_words | drop(2) | fuse(gen({}, pass) | batch(4) | map_stage(as_text)),
        own_run | batch(2) | map_stage(as_text),
    };
}

}  // namespace

TEST_CASE(
    "an ordered stage that fails, or one with OnError::finish, ends the same way with threads, fused and inline",
    "[contract][fuse][inline_run][ordered]") {
    const Setup setup = GENERATE(Setup{.ordered = true}, Setup{.on_error = OnError::finish});
    const auto numbers = std::views::iota(0, items);
    std::size_t front_number = 0;
    for (const Front& front : fronts(setup)) {
        std::size_t back_number = 0;
        for (const Back& back : backs()) {
            INFO("front " << front_number << ", back " << back_number++ << ": "
                          << to_string(front | back));
            const auto pipe = numbers | front | back;
            Seen expected = seen(pipe.results());
            expected.has_seen_enough = to_string(back).find(enough) != std::string::npos;
            CHECK(seen(pipe.results(inline_run)) == expected);
            CHECK(seen((numbers | fuse(front | back)).results()) == expected);
            CHECK(seen((numbers | fuse(setup, front | back)).results()) == expected);
            CHECK(seen((numbers | fuse(front) | back).results()) == expected);
            CHECK(seen((numbers | fuse(front) | back).results(inline_run)) == expected);
            CHECK(seen((numbers | fuse(setup, fuse(front) | back)).results(inline_run)) ==
                  expected);
            CHECK(seen(fuse(setup, numbers | front | back).results()) == expected);
            CHECK(seen(fuse(numbers | front | back).results(inline_run)) == expected);
        }
        ++front_number;
    }
}

TEST_CASE("an ordered source that fails ends the same way with threads, fused and inline",
          "[contract][fuse][inline_run][ordered]") {
    const auto counts = []() -> generator<int> {
        for (int i = 0; i < 5; ++i) co_yield i;
        throw std::runtime_error("no more");
    };
    for (const Back& back : backs()) {
        INFO(to_string(back));
        const Setup setup{.ordered = true};
        const auto pipe = stage(counts).setup(setup) | back;
        const Seen expected = seen(pipe.results());
        CHECK(expected.errors.size() == 1);
        CHECK(seen(pipe.results(inline_run)) == expected);
        CHECK(seen(fuse(pipe).results()) == expected);
        CHECK(seen(fuse(setup, pipe).results(inline_run)) == expected);
        // The fused stage itself reads a range.
        CHECK(seen(fuse(setup, counts() | back).results()) == expected);
        CHECK(seen(fuse(setup, counts() | back).results(inline_run)) == expected);
        CHECK(seen((counts() | back).ordered().results()) == expected);
        CHECK(seen((counts() | back).ordered().results(inline_run)) == expected);
    }
}

}  // namespace contract_three_forms_tests
