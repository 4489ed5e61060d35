#ifndef RUNS_HPP
#define RUNS_HPP

#include "stages.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// The library that runs what the other one has made.
EXPORTED std::vector<int> run(const Stage<int, int>& stage, const std::vector<int>& items);
EXPORTED std::vector<std::string> run(const Stage<int, std::string>& stage, const std::vector<int>& items);
EXPORTED std::vector<int> run(const Pipeline<void, int>& pipe);
EXPORTED std::vector<int> read(Results<int>& results);
EXPORTED std::size_t skipped(const Stage<int, int>& stage, const std::vector<int>& items);
/// Stops the run when the stage waits.
EXPORTED void run_and_stop(const Stage<int, int>& stage, const Waiting& on);
EXPORTED std::unique_ptr<Monitor> make_monitor();

#endif
