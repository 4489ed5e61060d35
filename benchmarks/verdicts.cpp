// Is explain() right? Each case is a pipeline built so that its limit is known. The program runs every
// case several times and compares the verdict of explain() with the known limit.

#include <parallelpipe.hpp>

#include "support/machine.hpp"
#include "support/work.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace parallelpipe;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Number = std::uint64_t;
using Kind = Verdict::Kind;
using Chain = Pipeline<void, Number>;
using ConsumerWork = std::function<void(Number)>;

constexpr auto length = 400ms;  // of a run
constexpr double us = 1000;     // for Work

// ---- what pipelines are made of -----------------------------------------------------------------

/// A source that does `work` and yields a number, until `length` is over. Its queue is short, so the
/// run ends soon after the source.
template <class F>
Stage<void, Number> source(F work, Setup setup = {.qsize = 32, .name = "read"}) {
    return Stage([work]() -> generator<Number> {
               const Clock::time_point end = Clock::now() + length;
               for (Number i = 0; Clock::now() < end; ++i) {
                   Number x = i;
                   work(x);
                   co_yield i;
               }
           })
        .setup(std::move(setup));
}
Stage<void, Number> source() {
    return source([](Number&) {});
}

/// A stage that does `work` for each item and passes the item on.
template <class F>
Stage<Number, Number> step(Setup setup, F work) {
    return Stage([work](Input<Number> in) -> generator<Number> {
               for (Number& i : in) {
                   Number x = i;
                   work(x);
                   co_yield i;
               }
           })
        .setup(std::move(setup));
}
/// A stage that computes for `nanoseconds` per item.
Stage<Number, Number> computing(Setup setup, double nanoseconds) {
    return step(std::move(setup), bench::Work(nanoseconds));
}
Stage<Number, Number> light(std::string name) {
    return computing({.qsize = 32, .name = std::move(name)}, 2 * us);
}

struct Sleep {
    std::chrono::nanoseconds time;
    void operator()(Number) const { std::this_thread::sleep_for(time); }
};
Stage<Number, Number> sleeping(Setup setup, std::chrono::nanoseconds time) {
    return step(std::move(setup), Sleep{time});
}

bool is_live = false;  // --live: explain() sees the statistics of the middle of the run

/// Runs the pipeline, with `work` for each result in the consumer's loop.
/// Returns: the statistics after the run, or from the middle of the run with --live.
Statistics run(
    const Chain& chain, const ConsumerWork& work = [](Number) {}) {
    auto results = chain.results();
    Statistics halfway;
    std::jthread watch;
    if (is_live)
        watch = std::jthread([&] {
            std::this_thread::sleep_for(length / 2);
            halfway = results.stats();
        });
    for (const Number& x : results) work(x);
    if (!is_live) return results.stats();
    watch.join();
    return halfway;
}

/// The same for a pipeline that ends in a sink.
Statistics run(const Pipeline<void, void>& chain) {
    Monitor monitor;
    Statistics halfway;
    std::jthread watch;
    if (is_live)
        watch = std::jthread([&] {
            std::this_thread::sleep_for(length / 2);
            halfway = monitor.stats();
        });
    chain.execute(monitor);
    if (!is_live) return monitor.stats();
    watch.join();
    return halfway;
}

/// A sink that does `work` for each item.
template <class F>
auto storing(Setup setup, F work) {
    return for_each(std::move(setup), [work](Number x) { work(x); });
}

/// Threads outside of the pipeline that compute all the time.
class Load {
public:
    explicit Load(std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i)
            threads_.emplace_back([](std::stop_token stop) {
                const bench::Work work(100 * us);
                for (Number x = 1; !stop.stop_requested();) work(x);
            });
    }

private:
    std::vector<std::jthread> threads_;
};

// ---- the cases ----------------------------------------------------------------------------------

struct Case {
    std::string name;
    Kind kind;
    std::vector<std::string> stages;  // one of these limits the run; empty: any stage
    std::function<Statistics()> run;
    bool needs_ready = false;  // explain() needs the `ready` times: other threads use the cores
};

const std::string consumer = "(results)";

std::vector<Case> cases() {
    const std::size_t cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    using enum Verdict::Kind;
    std::vector<Case> all;
    const auto add = [&](std::string name, Kind kind, std::vector<std::string> stages,
                         std::function<Statistics()> one, bool needs_ready = false) {
        all.push_back({std::move(name), kind, std::move(stages), std::move(one), needs_ready});
    };

    // One stage computes; other cores are idle.
    add("first stage computes", cpu_bound, {"parse"}, [] {
        return run(source() | computing({.name = "parse"}, 100 * us) | light("check") |
                   light("count"));
    });
    add("middle stage computes", cpu_bound, {"parse"}, [] {
        return run(source() | light("check") | computing({.name = "parse"}, 100 * us) |
                   light("count"));
    });
    add("last stage computes", cpu_bound, {"parse"}, [] {
        return run(source() | light("check") | light("count") |
                   computing({.name = "parse"}, 100 * us));
    });
    add("small items, small queue", cpu_bound, {"parse"}, [] {
        return run(source() | light("check").setup({.qsize = 8}) |
                   computing({.qsize = 8, .name = "parse"}, 20 * us));
    });
    add("big items", cpu_bound, {"parse"}, [] {
        return run(std::views::iota(Number{0}, Number{12}) |
                   computing({.name = "parse"}, 30'000 * us));
    });
    add("unlimited queue", cpu_bound, {"parse"}, [] {
        return run(std::views::iota(Number{0}, Number{4'000}) | light("check").setup({.qsize = 0}) |
                   computing({.name = "parse"}, 100 * us));
    });
    add("reduce computes", cpu_bound, {"fold"}, [] {
        return run(source() | light("check") |
                   reduce({.name = "fold"}, Number{0},
                          [work = bench::Work(100 * us)](Number sum, Number x) {
                              work(x);
                              return sum + x;
                          }));
    });
    add("reduce at the end, stage computes", cpu_bound, {"parse"}, [] {
        return run(source() | computing({.name = "parse"}, 100 * us) |
                   reduce({.name = "fold"}, Number{0}, std::plus<>()));
    });
    add("fused stage computes", cpu_bound, {"all"}, [] {
        return run(source() |
                   fuse({.name = "all"},
                        computing({}, 30 * us) | computing({}, 50 * us) | computing({}, 20 * us)) |
                   light("count"));
    });

    // One stage sleeps.
    add("one worker sleeps", io_bound, {"fetch"}, [] {
        return run(source() | light("check") | sleeping({.name = "fetch"}, 1ms) | light("count"));
    });
    add("sixteen workers sleep", io_bound, {"fetch"}, [] {
        return run(source() | sleeping({.workers = 16, .name = "fetch"}, 4ms) | light("count"));
    });
    add("sleeps and computes a little", io_bound, {"fetch"}, [] {
        return run(source() |
                   step({.workers = 4, .name = "fetch"}, [work = bench::Work(100 * us)](Number& x) {
                       Sleep{2ms}(x);
                       work(x);
                   }));
    });

    // The source.
    add("range computes", input_bound, {"source"}, [] {
        const auto slow = std::views::iota(Number{0}, Number{4'000}) |
                          std::views::transform([work = bench::Work(100 * us)](Number x) {
                              work(x);
                              return x;
                          });
        return run(slow | light("check") | light("count"));
    });
    add("source computes", input_bound, {"read"},
        [] { return run(source(bench::Work(100 * us)) | light("check") | light("count")); });
    add("source sleeps", input_bound, {"read"},
        [] { return run(source(Sleep{1ms}) | light("check") | light("count")); });

    // The loop that takes the results.
    add("loop over the results computes", consumer_bound, {consumer}, [] {
        return run(source() | light("check") | light("count"),
                   [work = bench::Work(100 * us)](Number x) { work(x); });
    });
    add("loop over the results sleeps", consumer_bound, {consumer},
        [] { return run(source() | light("check") | light("count"), Sleep{1ms}); });

    // The last stage is a sink, so no consumer loop can be the limit.
    const bench::Work tenth(100 * us);
    add("sink computes", cpu_bound, {"store"},
        [tenth] { return run(source() | light("check") | storing({.name = "store"}, tenth)); });
    add("sink sleeps", io_bound, {"store"},
        [] { return run(source() | light("check") | storing({.name = "store"}, Sleep{1ms})); });
    add("range and sink alone, sink sleeps", io_bound, {"store"}, [] {
        return run(std::views::iota(Number{0}, Number{300}) | storing({.name = "store"}, Sleep{1ms}));
    });
    add("four workers of a sink sleep", io_bound, {"store"},
        [] { return run(source() | storing({.workers = 4, .name = "store"}, Sleep{2ms})); });
    add("stage before a sink computes", cpu_bound, {"parse"}, [] {
        return run(source() | computing({.name = "parse"}, 100 * us) |
                   storing({.name = "store"}, bench::Work(2 * us)));
    });
    add("stage before a sink sleeps", io_bound, {"fetch"}, [] {
        return run(source() | sleeping({.name = "fetch"}, 1ms) |
                   storing({.name = "store"}, bench::Work(2 * us)));
    });
    add("source before a sink computes", input_bound, {"read"},
        [tenth] { return run(source(tenth) | storing({.name = "store"}, bench::Work(2 * us))); });
    add("source before a sink sleeps", input_bound, {"read"},
        [] { return run(source(Sleep{1ms}) | storing({.name = "store"}, bench::Work(2 * us))); });
    add("fused source and sink sleep", io_bound, {"all"}, [] {
        return run(fuse({.workers = 4, .name = "all"}, std::views::iota(Number{0}, Number{400}) |
                                                           sleeping({}, 2ms) |
                                                           storing({}, Sleep{2ms})));
    });
    add("nothing to do, a sink", too_fine, {}, [] {
        return run(std::views::iota(Number{0}, Number{5'000'000}) |
                   map_stage([](Number x) { return x + 1; }) | storing({}, [](Number) {}));
    });
    add("sink wants all cores", machine_full, {"store"}, [cores, tenth] {
        return run(source() | storing({.workers = 2 * cores, .name = "store"}, tenth));
    });
    add("sink, nearly all items have one key", one_worker, {"store"}, [tenth] {
        return run(source() |
                   storing({.workers = 4, .name = "store"}, tenth).partition_by([](Number x) {
                       return x % 20 == 0 ? x : 1;
                   }));
    });
    add("ordered before a sink", order_bound, {"shrink"}, [] {
        return run(source() |
                   step({.workers = 4, .qsize = 4, .ordered = true, .name = "shrink"},
                        [work = bench::Work(50 * us)](Number& x) {
                            if (x % 100 == 0) Sleep{20ms}(x);
                            work(x);
                        }) |
                   storing({.name = "store"}, bench::Work(2 * us)));
    });
    add("stage and sink sleep alike", balanced, {"fetch", "store"}, [] {
        return run(source() | sleeping({.qsize = 32, .name = "fetch"}, 1ms) |
                   storing({.name = "store"}, Sleep{1ms}));
    });
    add("stages and sink stop in turn", uneven, {}, [] {
        const auto at_times = [](Number when) {
            return [when](Number x) {
                if (x % 60 == when) Sleep{5ms}(x);
            };
        };
        return run(source([](Number&) {}, {.qsize = 4, .name = "read"}) |
                   step({.qsize = 4, .name = "a"}, at_times(0)) |
                   step({.qsize = 4, .name = "b"}, at_times(20)) |
                   storing({.name = "store"}, at_times(40)));
    });
    add("sink sleeps beside others", io_bound, {"store"}, [cores] {
        const Load others(cores);
        return run(source() | light("check") | storing({.workers = 4, .name = "store"}, Sleep{10ms}));
    });

    // The stages do next to nothing, so handing items on limits the run.
    add("nothing to do, three stages", too_fine, {}, [] {
        const auto plus_one = map_stage([](Number x) { return x + 1; });
        return run(std::views::iota(Number{0}, Number{5'000'000}) | plus_one | plus_one | plus_one);
    });
    add("nothing to do, small queues", too_fine, {}, [] {
        const auto plus_one = map_stage({.qsize = 4}, [](Number x) { return x + 1; });
        return run(source([](Number&) {}, {.qsize = 4, .name = "read"}) | plus_one | plus_one);
    });
    add("nothing to do, four workers", too_fine, {}, [] {
        const auto plus_one = map_stage({.workers = 4}, [](Number x) { return x + 1; });
        return run(std::views::iota(Number{0}, Number{3'000'000}) | plus_one | plus_one);
    });

    // The machine has too few cores.
    add("two stages want all cores", machine_full, {"parse", "count"}, [cores] {
        return run(source() | computing({.workers = cores, .name = "parse"}, 100 * us) |
                   computing({.workers = cores, .name = "count"}, 100 * us));
    });
    add("one stage wants all cores", machine_full, {"parse"}, [cores] {
        return run(source() | computing({.workers = 2 * cores, .name = "parse"}, 100 * us) |
                   light("count"));
    });
    add(
        "many stages share the cores", machine_full, {},
        [cores] {
            Chain chain = source() | computing({}, 100 * us);
            for (std::size_t i = 0; i < 6 * cores; ++i) chain = chain | computing({}, 100 * us);
            return run(chain);
        },
        true);

    // One worker of a stage, or the order of its results, limits the run.
    add("nearly all items have one key", one_worker, {"count"}, [] {
        return run(source() |
                   computing({.workers = 4, .name = "count"}, 100 * us).partition_by([](Number x) {
                       return x % 20 == 0 ? x : 1;
                   }));
    });
    add("an item that takes long comes last", one_worker, {"parse"}, [] {
        return run(std::views::iota(Number{0}, Number{101}) |
                   step({.workers = 4, .name = "parse"},
                        [](Number x) { Sleep{x == 100 ? 350ms : 2ms}(x); }));
    });
    add("ordered, some items take long", order_bound, {"shrink"}, [] {
        return run(source() |
                   step({.workers = 4, .qsize = 4, .ordered = true, .name = "shrink"},
                        [work = bench::Work(50 * us)](Number& x) {
                            if (x % 100 == 0) Sleep{20ms}(x);
                            work(x);
                        }) |
                   light("write"));
    });

    // No stage limits the run alone.
    add("two stages sleep alike", balanced, {"fetch", "store"}, [] {
        return run(source() | sleeping({.name = "fetch"}, 1ms) | sleeping({.name = "store"}, 1ms));
    });
    add("stages stop in turn", uneven, {}, [] {
        const auto at_times = [](std::string name, Number when) {
            return step({.qsize = 4, .name = std::move(name)}, [when](Number x) {
                if (x % 60 == when) Sleep{5ms}(x);
            });
        };
        return run(source([](Number&) {}, {.qsize = 4, .name = "read"}) | at_times("a", 0) |
                   at_times("b", 20) | at_times("c", 40));
    });

    // Threads outside of the pipeline use the cores too.
    add("computes beside others", cpu_bound, {"parse"}, [cores] {
        const Load others(cores);
        return run(source() | light("check") | computing({.name = "parse"}, 100 * us));
    });
    add(
        "computes beside many others", cpu_bound, {"parse"},
        [cores] {
            const Load others(5 * cores);
            return run(source() | light("check") | computing({.name = "parse"}, 100 * us));
        },
        true);
    add("sleeps beside others", io_bound, {"fetch"}, [cores] {
        const Load others(cores);
        return run(source() | light("check") | sleeping({.workers = 4, .name = "fetch"}, 10ms));
    });
    add("all cores, beside others", machine_full, {"parse"}, [cores] {
        const Load others(cores);
        return run(source() | computing({.workers = 2 * cores, .name = "parse"}, 100 * us) |
                   light("count"));
    });
    return all;
}

// ---- the check ----------------------------------------------------------------------------------

struct Options {
    std::size_t times = 10;
    std::string name;  // runs the cases whose names contain this; empty: all
    bool is_verbose = false;
};

Options parse_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--verbose") {
            options.is_verbose = true;
            continue;
        }
        if (option == "--live") {
            is_live = true;
            continue;
        }
        if (option == "--times" && i + 1 < argc) {
            options.times = std::strtoull(argv[++i], nullptr, 10);
            if (options.times > 0) continue;
        } else if (option == "--case" && i + 1 < argc) {
            options.name = argv[++i];
            continue;
        }
        std::cerr << "usage: " << argv[0]
                  << " [--times N] [--case PART_OF_NAME] [--live] [--verbose]\n";
        std::exit(2);
    }
    return options;
}

std::string name_of(const Statistics& stats, std::size_t stage) {
    if (stage == stats.stages.size()) return consumer;
    return stage < stats.stages.size() ? stats.stages[stage].name : "";
}

bool has_ready_times(const Statistics& stats) {
    return std::ranges::any_of(stats.stages, [](const auto& s) { return s.ready.count() > 0; });
}

/// Prints the report and the `ready` times, which the report leaves out.
void show(const Statistics& stats) {
    std::cout << report(stats) << "\nready:";
    for (const StageStatistics& stage : stats.stages)
        std::cout << ' ' << stage.name << ' '
                  << detail::percent(detail::share_of(stage.ready, stats.elapsed, stage.workers));
    std::cout << "\n\n";
}

/// Returns: whether explain() was right in every run.
bool check(const Case& one, const Options& options) {
    std::size_t right = 0;
    bool is_known = true;
    std::string last;
    std::map<std::string, std::size_t> wrong;
    const bench::Others others;
    for (std::size_t i = 0; i < options.times; ++i) {
        const Statistics stats = one.run();
        const Verdict verdict = explain(stats);
        const std::string stage = name_of(stats, verdict.stage);
        const bool is_right =
            verdict.kind == one.kind &&
            (one.stages.empty() || std::ranges::find(one.stages, stage) != one.stages.end());
        is_known = is_known && (!one.needs_ready || has_ready_times(stats));
        right += is_right;
        if (!is_right) ++wrong[std::string(to_string(verdict.kind)) + ' ' + stage];
        last = verdict.text;
        if (options.is_verbose || (!is_right && wrong.size() == 1 && right + 1 == i + 1))
            show(stats);
    }
    std::cout << std::left << std::setw(36) << one.name << std::setw(15) << to_string(one.kind)
              << std::right << std::setw(3) << right << " of " << options.times;
    const bool counts = is_known || right == options.times;
    if (!counts) std::cout << "  (not counted: this system does not report ready times)";
    std::cout << "  " << std::fixed << std::setprecision(2) << others.processors()
              << " processors used by other programs\n";
    for (const auto& [what, times] : wrong) std::cout << "    " << times << " x " << what << '\n';
    std::cout << "    " << last << std::endl;
    return right == options.times || !counts;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    std::size_t wrong = 0;
    std::size_t tried = 0;
    for (const Case& one : cases())
        if (one.name.find(options.name) != std::string::npos) {
            ++tried;
            wrong += !check(one, options);
        }
    std::cout << '\n' << tried << " cases, " << wrong << " with a wrong verdict\n";
    return wrong == 0 && tried > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
