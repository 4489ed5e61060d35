#ifndef STAGES_HPP
#define STAGES_HPP

#include "border.hpp"

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using parallelpipe::Monitor;
using parallelpipe::Pipeline;
using parallelpipe::Results;
using parallelpipe::Stage;

/// An error of the user's own. A type that is thrown in one library and caught in another has to be visible.
class EXPORTED BadNumber : public std::runtime_error {
public:
    explicit BadNumber(int which) : std::runtime_error("a bad number"), number(which) {}
    int number;
};

struct Waiting {
    std::atomic<bool> has_begun = false;
    std::atomic<bool> was_stopped = false;
};

/// What the library makes.
struct Stages {
    Stage<int, int> (*skipping)();
    Stage<int, int> (*retrying)();
    Stage<int, int> (*delivering)(std::vector<int>& dead);
    Stage<int, int> (*failing)();
    Stage<int, int> (*fused)();
    Stage<int, std::string> (*naming)();
    Stage<int, int> (*waiting)(Waiting& on);
    Stage<int, int> (*nesting)();
    Pipeline<void, int> (*pipeline)();
    Results<int> (*results)();
    void (*throw_cancelled)();
    void (*throw_no_result)();
    void (*throw_stalled)();
    void (*throw_seed_failure)();
    void (*destroy)(std::unique_ptr<Monitor>& monitor);
};

#endif
