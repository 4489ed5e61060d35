// The engine runs on other primitives than those of the standard library where a build names them: all of it
// compiles, and each of them is used.

#define PARALLELPIPE_SYNC_PRIMITIVES "own_primitives.hpp"
#include <parallelpipe.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <ranges>
#include <stop_token>
#include <thread>

using namespace parallelpipe;

namespace {

bool is_all_right = true;
void check(const char* what, bool is_right) {
    if (!is_right) std::printf("%s\n", what);
    is_all_right = is_all_right && is_right;
}

}  // namespace

int main() {
    const auto plus_one = [](Input<int> in) -> generator<int> {
        for (int number : in) co_yield number + 1;
    };
    const auto numbers = std::views::iota(0, 1000);
    std::stop_source stop;
    Monitor monitor;

    long sum = 0;
    auto ordered = stage({.workers = 3, .qsize = 4, .ordered = true}, plus_one);
    for (int number : (numbers | ordered()).results(monitor, stop.get_token())) sum += number;
    check("an ordered stage", sum == 500500);

    sum = 0;
    auto keyed = stage({.workers = 2}, plus_one).partition_by(std::identity());
    for (int number : (numbers | keyed() | fuse(ordered() | ordered())).results()) sum += number;
    check("a keyed stage and a fused one", sum == 502500);

    sum = 0;
    for (int number : (numbers | ordered()).results(inline_run)) sum += number;
    check("a run without threads", sum == 500500);

    auto slow = map_stage([](int number) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than its neighbours spin
        return number;
    });
    for (int number : (std::views::iota(0, 3) | slow() | ordered()).results(stop.get_token())) sum += number;

    const auto& used = detail::sync::used;
    check("no atomic", used.atomics != 0);
    check("no fence", used.fences != 0);
    check("no barrier", used.barriers != 0);
    check("no lock", used.locks != 0);
    check("no wait", used.waits != 0);
    check("no thread", used.threads >= 10);
    check("no yield", used.yields != 0);
    check("no stop callback", used.callbacks != 0);
    check("no time", used.times != 0);
    return is_all_right ? 0 : 1;
}
