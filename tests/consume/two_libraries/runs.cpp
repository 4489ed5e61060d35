// The library that runs stages.

#include "runs.hpp"

#include <stop_token>

using namespace parallelpipe;

std::vector<int> run(const Stage<int, int>& stage, const std::vector<int>& items) {
    return (items | stage).collect();
}

std::vector<std::string> run(const Stage<int, std::string>& stage, const std::vector<int>& items) {
    return (items | stage).collect();
}

std::vector<int> run(const Pipeline<void, int>& pipe) {
    return pipe.collect();
}

std::vector<int> read(Results<int>& results) {
    std::vector<int> all;
    for (int result : results) all.push_back(result);
    return all;
}

std::size_t skipped(const Stage<int, int>& stage, const std::vector<int>& items) {
    auto results = (items | stage).results();
    read(results);
    return results.stats().stages.back().skipped;
}

void run_and_stop(const Stage<int, int>& stage, const Waiting& on) {
    std::stop_source stop;
    auto results = (std::vector{1} | stage).results(stop.get_token());
    on.has_begun.wait(false);
    stop.request_stop();
    read(results);
}

std::unique_ptr<Monitor> make_monitor() {
    return std::make_unique<Monitor>();
}
