// The library that makes stages.

#include "stages.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <ranges>
#include <utility>

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

constexpr auto longest_wait = 30s;  // against hangs alone

int even(int number) {
    if (number % 2 != 0) throw BadNumber(number);
    return number;
}

generator<std::string> name(Input<int> in) {
    for (int number : in)
        co_yield std::string(this_worker::stage_name()) + '-' + std::to_string(this_worker::index()) + ':' +
            std::to_string(number);
}

generator<int> wait(Input<int> in, Waiting& on) {
    for (int number : in) {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        on.has_begun = true;
        on.has_begun.notify_all();
        const auto stop = this_worker::stop_token();
        std::condition_variable_any().wait_for(lock, stop, longest_wait, [] { return false; });
        on.was_stopped = stop.stop_requested();
        co_yield number;
    }
}

/// The same numbers, by way of a pipeline inside, which reads what the worker takes.
generator<int> nest(Input<int> in) {
    for (int number : (std::move(in) | map_stage(even)).results()) co_yield number;
}

Pipeline<void, int> numbers() {
    return std::views::iota(0, 100) | map_stage({.workers = 2, .ordered = true}, [](int x) { return x; });
}

const Stages table = {
    .skipping = []() -> Stage<int, int> {
        return map_stage({.workers = 2, .ordered = true, .on_error = OnError::skip}, even);
    },
    .retrying = []() -> Stage<int, int> {
        return map_stage({.retry = Retry{.times = 1, .backoff = 1us}}, [failed = false](int number) mutable {
            if (std::exchange(failed, !failed)) return number;
            throw BadNumber(number);
        });
    },
    .delivering = [](std::vector<int>& dead) -> Stage<int, int> {
        return map_stage(even).dead_letter([&dead](std::exception_ptr, int& number) { dead.push_back(number); });
    },
    .failing = []() -> Stage<int, int> { return map_stage({.name = "even"}, even); },
    .fused = []() -> Stage<int, int> {
        return fuse(map_stage({.on_error = OnError::skip}, even) | map_stage([](int x) { return -x; }));
    },
    .naming = []() -> Stage<int, std::string> { return stage({.name = "named"}, name); },
    .waiting = [](Waiting& on) -> Stage<int, int> { return Stage(wait, std::ref(on)); },
    .nesting = []() -> Stage<int, int> { return stage(nest); },
    .pipeline = numbers,
    .results = [] { return numbers().results(); },
    .throw_cancelled =
        [] {
            std::stop_source stop;
            stop.request_stop();
            static_cast<void>(numbers().execute(stop.get_token()));
        },
    .throw_no_result = [] { static_cast<void>((std::vector<int>{} | map_stage(even)).execute()); },
    .throw_stalled = [] { throw StallError("stalled"); },
    .throw_seed_failure = [] { testing::repeat(1, [](std::uint64_t) { return false; }); },
    .destroy = [](std::unique_ptr<Monitor>& monitor) { monitor.reset(); },
};

}  // namespace

const Stages* stages() {
    return &table;
}
