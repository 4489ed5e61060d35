#ifndef PARALLELPIPE_TESTS_SNAPSHOT_HPP
#define PARALLELPIPE_TESTS_SNAPSHOT_HPP

// Builds statistics of runs that did not take place, for tests of reports.

#include <parallelpipe/detail/worker/item_counters.hpp>
#include <parallelpipe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Returns: a name such as `s7`. (With +=, because g++ 12 warns wrongly of a literal + a string.)
inline std::string numbered(const char* name, std::size_t number) {
    std::string text = name;
    text += std::to_string(number);
    return text;
}

/// The shares of the run that a worker spent working and waiting.
struct Spent {
    double busy = 0;
    double input = 0;
    double room = 0;
    double cpu = 0;  // 0: unknown
};

/// A run of a given length, built stage by stage.
class Snapshot {
public:
    explicit Snapshot(std::chrono::nanoseconds elapsed, std::size_t cores = 2) {
        stats_.elapsed = elapsed;
        stats_.cores = cores;
    }

    /// Adds a stage whose workers spent their time alike.
    Snapshot& stage(const std::string& name, std::size_t workers, std::uint64_t in,
                    std::uint64_t out, Spent spent) {
        return stage(name, in, out, std::vector(workers, spent));
    }

    /// Adds a stage with the shares of each worker.
    Snapshot& stage(const std::string& name, std::uint64_t in, std::uint64_t out,
                    const std::vector<Spent>& workers) {
        parallelpipe::StageStatistics made;
        made.name = name;
        made.workers = workers.size();
        for (std::size_t i = 0; i < workers.size(); ++i) {
            parallelpipe::WorkerStatistics worker;
            worker.items_in = part(in, i, workers.size());
            worker.items_out = part(out, i, workers.size());
            worker.busy = of_run(workers[i].busy);
            worker.waiting_for_input = of_run(workers[i].input);
            worker.waiting_for_room = of_run(workers[i].room);
            worker.cpu = of_run(workers[i].cpu);
            worker.is_running = true;
            made.each.push_back(worker);
        }
        parallelpipe::detail::sum_up(made);
        made.queue = parallelpipe::QueueStatistics{.capacity = 1024};
        stats_.stages.push_back(std::move(made));
        return *this;
    }

    Snapshot& range(const std::string& name, std::uint64_t out, Spent spent) {
        stage(name, 1, 0, out, spent);
        return last([](auto& made) { made.is_range = true; });
    }

    Snapshot& sink(const std::string& name, std::size_t workers, std::uint64_t in, Spent spent) {
        stage(name, workers, in, 0, spent);
        return last([](auto& made) { made.queue.reset(); });
    }

    Snapshot& consumer(std::uint64_t items, Spent spent) {
        stats_.consumer = {.items = items,
                           .waiting = of_run(spent.input),
                           .busy = of_run(spent.busy),
                           .cpu = of_run(spent.cpu)};
        return *this;
    }

    template <class F>
    Snapshot& last(F change) {
        change(stats_.stages.back());
        return *this;
    }

    Snapshot& ended() {
        stats_.has_ended = true;
        for (auto& stage : stats_.stages)
            for (auto& worker : stage.each) worker.is_running = false;
        return *this;
    }

    parallelpipe::Statistics& stats() { return stats_; }
    operator const parallelpipe::Statistics&() const { return stats_; }

private:
    std::chrono::nanoseconds of_run(double share) const {
        return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(
            share * static_cast<double>(stats_.elapsed.count())));
    }

    static std::uint64_t part(std::uint64_t all, std::size_t i, std::size_t parts) {
        return all / parts + (i < all % parts ? 1 : 0);
    }

    parallelpipe::Statistics stats_;
};

}  // namespace support

#endif
