// How long does a single item take through an otherwise empty pipeline? The source yields one item
// every 200 microseconds; each item passes 3 stages. Measured: the time from the source's co_yield to
// the consumer's loop, and the CPU time. A second table measures the CPU time of 9 workers that wait
// for 2 seconds.

#include <parallelpipe.hpp>

#include "support/machine.hpp"
#include "support/peers.hpp"
#include "support/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace parallelpipe;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Birth = std::uint64_t;  // the time when the source made the item, in nanoseconds of the clock

Birth now() { return static_cast<Birth>(Clock::now().time_since_epoch() / 1ns); }

/// Sleeps until the next item is due.
class Beat {
public:
    Birth operator()() {
        std::this_thread::sleep_until(due_);
        due_ += 200us;
        return now();
    }

private:
    Clock::time_point due_ = Clock::now() + 200us;
};

/// The delays that the consumer measured; shared, because a peer owns its job.
using Delays = std::shared_ptr<std::vector<double>>;

struct Sparse {
    using Item = Birth;

    std::size_t items;
    Delays delays;
    Beat beat = {};
    std::size_t made = 0;

    std::optional<Item> next() {
        if (made == items) return std::nullopt;
        ++made;
        return beat();
    }
    void work(Item&) const {}
    void sink(Item birth) { delays->push_back(static_cast<double>(now() - birth) / 1000); }
    unsigned long long checksum() const { return delays->size(); }
};

double quantile(const std::vector<double>& sorted, double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

std::function<bench::Figures()> latencies(std::function<void(Delays)> run) {
    return [run] {
        const Delays delays = std::make_shared<std::vector<double>>();
        const double cpu = bench::cpu_seconds();
        run(delays);
        const double spent = bench::cpu_seconds() - cpu;
        std::ranges::sort(*delays);
        return bench::Figures{
            delays->size(), {quantile(*delays, 0.5), quantile(*delays, 0.99), spent * 1000}};
    };
}

void latency(bench::Session& session) {
    const std::size_t items = session.options().items(2'000);
    const auto source = stage([items]() -> generator<Birth> {
        Beat beat;
        for (std::size_t i = 0; i < items; ++i) co_yield beat();
    });
    const auto step = map_stage([](Birth birth) { return birth; });
    const auto consumed = [](const Pipeline<void, Birth>& pipeline) {
        return latencies([pipeline](const Delays& delays) {
            for (const Birth& birth : pipeline.results())
                delays->push_back(static_cast<double>(now() - birth) / 1000);
        });
    };
    bench::Table table{"latency, 1 item per 200 us through 3 stages", {"p50 us", "p99 us", "CPU ms"}};
    using enum bench::Role;
    table.contenders = {{ours, "map_stage", consumed(source | step | step | step)},
                        {ours, "source | fuse(3)", consumed(source | fuse(step | step | step))},
                        {ours, "fuse(source | 3)", consumed(fuse(source | step | step | step))}};
    const auto add = [&](const std::string& name, auto run) {
        table.contenders.push_back(
            {peer, name, latencies([=](const Delays& delays) { run(Sparse{items, delays}); })});
    };
    const bench::Shape shape{.stages = 3, .workers = 1};
#ifdef BENCH_WITH_ONETBB
    add("oneTBB", [=](Sparse job) { bench::by_onetbb(job, shape, 4); });
#endif
#ifdef BENCH_WITH_TASKFLOW
    add("Taskflow", [=](Sparse job) { bench::by_taskflow<3>(job, shape, 4); });
#endif
#ifdef BENCH_WITH_FASTFLOW
    add("FastFlow", [=](Sparse job) { bench::by_fastflow(job, shape, 64); });
#endif
    add("threads, deque + condvar", [=](Sparse job) { bench::by_threads(job, shape, 1024); });
    session.measure(table);
}

void idle(bench::Session& session) {
    const auto wait = std::chrono::duration<double>(session.options().scale < 1 ? 0.5 : 2.0);
    const auto silent = stage([wait]() -> generator<Birth> {
        std::this_thread::sleep_for(wait);
        co_yield 1;
    });
    const auto step = map_stage({.workers = 3}, [](Birth birth) { return birth; });
    const Pipeline<void, Birth> pipeline = silent | step | step | step;
    bench::Table table{"idle, 9 workers", {"CPU ms"}};
    const auto cpu_of = [](auto run) {
        return [run] {
            const double cpu = bench::cpu_seconds();
            const unsigned long long checksum = run();
            return bench::Figures{checksum, {(bench::cpu_seconds() - cpu) * 1000}};
        };
    };
    using enum bench::Role;
    // Starting and joining costs CPU too: the cost of waiting is the difference of the two rows.
    const auto at_once = stage([]() -> generator<Birth> { co_yield 1; });
    const auto one = [](const Pipeline<void, Birth>& p) { return [p] { return p.execute(); }; };
    table.contenders = {
        {ours, "waiting", cpu_of(one(pipeline))},
        {ours, "not waiting: start and stop", cpu_of(one(at_once | step | step | step))}};
    session.measure(table);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("latency", argc, argv);
    latency(session);
    idle(session);
    return session.finish();
}
