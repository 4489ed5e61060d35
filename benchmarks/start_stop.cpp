// What does it cost to start and stop? Four stages with 2 workers each over no items, compared with
// starting and joining 8 std::jthreads. A second table shows how memory and the number of threads grow
// over 1000 runs of 10 items.

#include <parallelpipe.hpp>

#include "support/machine.hpp"
#include "support/session.hpp"

#include <cstddef>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace parallelpipe;

Pipeline<void, int> four_stages(std::vector<int> items) {
    const auto step = map_stage({.workers = 2}, [](int x) { return x + 1; });
    return std::move(items) | step | step | step | step;
}

unsigned long long consume(const Pipeline<void, int>& pipeline) {
    unsigned long long sum = 0;
    for (const int x : pipeline.results()) sum += static_cast<unsigned long long>(x);
    return sum;
}

void start_stop(bench::Session& session) {
    const std::size_t runs = session.options().items(200);
    const auto repeated = [runs](auto run) {
        return bench::timed(static_cast<double>(runs) * 1000, [=] {
            unsigned long long sum = 0;
            for (std::size_t i = 0; i < runs; ++i) sum += run();
            return sum;
        });
    };
    const auto threads = [](std::size_t count) {
        return [count] {
            std::vector<std::jthread> all;
            for (std::size_t i = 0; i < count; ++i) all.emplace_back([] {});
            return 0ULL;
        };
    };
    using enum bench::Role;
    session.measure({"start and stop, 4 stages x 2 workers, no items",
                     {"us a run", "CPU us"},
                     {{ours, "pipeline", repeated([pipeline = four_stages({})] {
                           return consume(pipeline);
                       })},
                      {peer, "8 std::jthreads", repeated(threads(8))},
                      // A worker of its own reads the range in front: 9 workers in all.
                      {reference, "9 std::jthreads", repeated(threads(9))}}});
}

/// The number in the line `field` of /proc/self/status; 0 without such a line.
std::size_t status(const std::string& field) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;)
        if (word == field + ':') {
            std::size_t value = 0;
            file >> value;
            return value;
        }
    return 0;
}

void growth(bench::Session& session) {
    const std::string title = "growth, 1000 runs over 10 items";
    const std::vector<int> ten(10, 1);
    const Pipeline<void, int> pipeline = four_stages(ten);
    using enum bench::Role;
    session.measure({title,
                     {"KiB more", "threads"},
                     {{ours, "pipeline",
                       [&] {
                           const std::size_t before = status("VmRSS");
                           const std::size_t threads = status("Threads");
                           unsigned long long sum = 0;
                           for (int i = 0; i < 1000; ++i) sum += consume(pipeline);
                           const double grown = static_cast<double>(status("VmRSS")) -
                                                static_cast<double>(before);
                           // The warm-up round does not count: the allocator grows there.
                           return bench::Figures{
                               sum,
                               {grown, static_cast<double>(status("Threads")) -
                                           static_cast<double>(threads)}};
                       }}}});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Session session("start_stop", argc, argv);
    start_stop(session);
    growth(session);
    return session.finish();
}
