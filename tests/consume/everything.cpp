// Uses most of the library in one program. Every supported compiler must compile it without a warning and run it.
// scripts/matrix builds it with all compilers that it finds.

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;
using namespace std::chrono_literals;

int failures = 0;

void check(bool is_so, const char* what) {
    if (is_so) return;
    ++failures;
    std::cout << "WRONG: " << what << '\n';
}

/// An over-aligned item.
struct alignas(64) Wide {
    explicit Wide(int x) : value(x) {}
    bool is_aligned() const { return reinterpret_cast<std::uintptr_t>(this) % alignof(Wide) == 0; }

    std::array<int, 3> ballast{};
    int value;
};

struct Source {
    int step;
    generator<std::unique_ptr<int>> count(int n) const {
        for (int i = 0; i < n; ++i) co_yield std::make_unique<int>(i * step);
    }
};

generator<int> tree(int depth) {
    if (depth > 0) co_yield elements_of(tree(depth - 1));
    co_yield depth;
}

generator<int> add_n(Input<int> in, int n) {
    for (int x : in) co_yield x + n;
}

void stages() {
    const auto values = map_stage({.workers = 2}, [](std::unique_ptr<int> x) { return *x; });
    check((Stage(&Source::count, Source{2}, 50) | values | reduce(0, std::plus<>())).execute() ==
              2450,
          "a member function as the source of items that only move");
    check(Stage([] { return tree(3); }).collect() == std::vector{0, 1, 2, 3},
          "nested generators");

    const auto widen = stage({.workers = 2, .qsize = 3}, [](Input<int> in) -> generator<Wide> {
        for (int x : in) co_yield Wide(x);
    });
    const auto is_aligned = filter([](const Wide& wide) { return wide.is_aligned(); });
    std::atomic<int> sum = 0;
    const auto add = for_each([](const Wide& wide, std::atomic<int>& to) { to += wide.value; });
    (std::views::iota(0, 1000) | widen | is_aligned | add(std::ref(sum))).execute();
    check(sum == 499500, "over-aligned items");

    const std::vector<std::string> lines = {"one two", "three", "four five six"};
    const auto words = flat_map([](const std::string& line) -> generator<std::string> {
        std::istringstream in(line);
        for (std::string word; in >> word;) co_yield word;
    });
    std::size_t letters = 0;
    const auto count = tap([&letters](const std::string& word) { letters += word.size(); });
    const auto numbered = map_stage([](const std::pair<std::size_t, std::string>& item) {
        return std::to_string(item.first) + item.second;
    });
    check((lines | words | count | drop(1) | enumerate() | numbered).collect<std::set>() ==
              std::set<std::string>{"0two", "1three", "2four", "3five", "4six"},
          "flat_map, tap, drop, enumerate");
    check(letters == 22, "the letters that tap counted");

    const auto small = take_while([](int x) { return x < 6; });
    check((std::views::iota(0) | small | batch(4) | unbatch() | throttle({100000, 1s}) | take(5))
                  .collect() == std::vector{0, 1, 2, 3, 4},
          "take_while, batch, unbatch, throttle, take");
    const RateLimit limit({100000, 1s});
    const auto counting = with_state([] { return 0; }, [limit](int& calls, int x) {
        limit.wait();
        return x + ++calls;
    });
    check((source({.qsize = 4, .name = "numbers"}, std::vector{1, 2, 3}) | map_stage(counting)).collect() ==
              std::vector{2, 4, 6},
          "source, with_state, RateLimit");
    check((std::views::iota(0, 10) | batch(3, 10s)).collect().size() == 4,
          "a batch with a time limit");
    check((std::views::iota(1, 101) | reduce({.workers = 3}, 0, std::plus<>(), std::plus<>()))
                  .execute() == 5050,
          "reduce in parallel");
}

void order() {
    const auto twice = stage({.workers = 4, .ordered = true}, [](Input<int> in) -> generator<int> {
        for (int x : in)
            if (x % 2 == 0) {
                co_yield x;
                co_yield x;
            }
    });
    int before = -1;
    bool in_order = true;
    for (const int x :
         (std::views::iota(0, 2000) | twice | map_stage({.workers = 3}, std::negate<int>()))
             .ordered()
             .results()) {
        in_order = in_order && -x >= before;
        before = -x;
    }
    check(in_order && before == 1998, "ordered stages");

    const auto per_key = stage({.workers = 3}, [](Input<int> in) -> generator<std::size_t> {
                             std::set<int> keys;
                             for (int x : in) keys.insert(x % 10);
                             co_yield keys.size();
                         }).partition_by([](int x) { return x % 10; });
    check((std::views::iota(0, 1000) | per_key | reduce(std::size_t{0}, std::plus<>())).execute() ==
              10,
          "a keyed stage");

    const auto increment = map_stage([](int x) { return x + 1; });
    const auto odd = filter([](int x) { return x % 2 == 1; });
    const auto fused =
        fuse({.workers = 2, .ordered = true}, std::views::iota(0, 1000) | increment | odd);
    check(fused.collect().size() == 500, "fused stages");
    const auto added = std::views::iota(0, 3) | stage(add_n)(7);
    check(added.execute(inline_run) == 9 && added.execute() == 9, "an inline run");

    const auto outer = stage({.workers = 2}, [increment](Input<int> in) -> generator<int> {
        for (int x : (std::move(in) | increment).results()) co_yield x;
    });
    check((std::views::iota(0, 100) | outer).collect().size() == 100, "a run over a stage's Input");
}

void errors() {
    const auto parse = [](const std::string& text) { return std::stoi(text); };
    const std::vector<std::string> input = {"1", "two", "3"};
    try {
        (input | map_stage({.workers = 2, .ordered = true, .name = "parse"}, parse)).execute();
        check(false, "an error reaches the consumer");
    } catch (const TaskException& error) {
        check(error.stage() == "parse" && error.errors().front().item() == std::uint64_t{1},
              "an error names its stage and item");
        try {
            error.rethrow_cause();
        } catch (const std::invalid_argument&) {
            check(std::string(error.what()).find("std::invalid_argument") != std::string::npos,
                  "an error names its type");
        }
    }
    check((input | map_stage({.on_error = OnError::skip}, parse)).collect().size() == 2,
          "skipped items");
    std::string lost;
    const auto careful =
        map_stage({.retry = Retry{.times = 2, .backoff = 1ms}}, parse)
            .dead_letter([&lost](std::exception_ptr, const std::string& x) { lost += x; });
    check((input | careful).collect().size() == 2 && lost == "two", "a dead-letter handler");
    try {
        (std::vector<int>() | map_stage(std::negate<int>())).execute();
    } catch (const NoResultError&) {
        lost.clear();
    }
    check(lost.empty(), "NoResultError");

    std::stop_source source;
    try {
        for (const int x :
             (std::views::iota(0) | map_stage(std::negate<int>())).results(source.get_token()))
            if (x == -10) source.request_stop();
        check(false, "a stopped loop throws");
    } catch (const CancelledError&) {
        ++failures;
    }
    --failures;
    for (const int x :
         (std::views::iota(0) | map_stage({.workers = 2}, std::negate<int>())).results())
        if (x < -100) break;
}

void seeing() {
    const auto pipe = std::vector<std::string>(500, "7") |
                      map_stage({.workers = 2, .name = "parse"},
                                [](const std::string& text) { return std::stoi(text); });
    std::ostringstream text;
    ProgressBar bar(text, {.total = 500});
    Monitor monitor;
    monitor.on_progress(5ms, [&bar](const Statistics& now) { bar.update(now); })
        .record(1ms)
        .trace();
    monitor.on_stall(60s);
    check(pipe.execute(monitor) == 7, "a run with a Monitor");
    bar.finish();

    const Statistics stats = monitor.stats();
    check(stats.stages.size() == 2 && stats.consumer.items == 500, "statistics");
    text << report(stats) << explain(stats).text << to_json(stats) << to_dot(stats)
         << to_mermaid(pipe) << pipe;
    write_html(text, stats);
    write_trace(text, monitor);
    check(text.str().find("parse") != std::string::npos, "reports");
}

void tests() {
    const std::vector<int> input = {1, 2, 4, 8, 16};
    const auto expected = testing::results_of(add_n, input, 7);
    testing::repeat(3, [&](std::uint64_t seed) {
        return testing::sorted(testing::run_with_delays({.seed = seed}, add_n, input, 7)) ==
               expected;
    });
    const auto ordered = Stage(add_n, 7).setup({.workers = 4, .ordered = true});
    check((input | testing::with_delays({.seed = 3}, ordered)).collect() == expected,
          "testing.hpp");
}

int main() {
    stages();
    order();
    errors();
    seeing();
    tests();
    if (!failures) std::cout << "all checks passed\n";
    return failures ? 1 : 0;
}
