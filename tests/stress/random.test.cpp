#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/dice.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iostream>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Random pipelines that end normally, by an error or early, compared with a sequential loop.
namespace stress_random_tests {

using namespace parallelpipe;
using support::Counted;
using support::Dice;
using support::maybe_pause;
using support::Tally;

namespace {

enum class Ending { normal, error, leave, cancel, token, early_return };
enum class Kind { map, filter, flat_map };

struct Step {
    std::size_t workers;
    std::optional<std::size_t> qsize;
    Kind kind;
    unsigned delay;  // one in `delay` items pauses
};

struct Plan {
    int items;
    std::vector<Step> steps;  // the first one is the source
    bool in_turn = false;     // the source is a range, which the workers of the second step read
    Ending ending;
    std::size_t at_stage;  // the stage of an error or an early return
    int at_item;
};

Plan random_plan(std::mt19937& random) {
    const auto pick = [&](auto... choices) {
        const std::common_type_t<decltype(choices)...> all[] = {choices...};
        return all[random() % sizeof...(choices)];
    };
    Plan plan;
    plan.items = pick(0, 1, 7, 50, 300);
    const std::size_t stages = 1 + random() % 4;
    for (std::size_t i = 0; i < stages; ++i) {
        Step step{};
        step.workers = pick(1U, 1U, 2U, 3U, 9U);
        const int qsize = pick(-1, 0, 1, 2, 8, 64);
        if (qsize >= 0) step.qsize = static_cast<std::size_t>(qsize);
        step.kind = pick(Kind::map, Kind::map, Kind::filter, Kind::flat_map);
        step.delay = pick(1U, 4U, 32U, 1000U);
        plan.steps.push_back(step);
    }
    if (stages > 1 && random() % 3 == 0) {
        plan.in_turn = true;
        plan.steps.front().workers = 1;
    }
    plan.ending = pick(Ending::normal, Ending::normal, Ending::error, Ending::leave, Ending::cancel,
                       Ending::token, Ending::early_return);
    plan.at_stage = random() % stages;
    plan.at_item = static_cast<int>(random() % 300);
    return plan;
}

/// Returns: the results of a stage for one item: 0, 1 or 2 values.
std::vector<int> results_of(Kind kind, int value) {
    switch (kind) {
        case Kind::filter:
            return value % 3 == 0 ? std::vector<int>() : std::vector{value + 1};
        case Kind::flat_map:
            return value % 5 == 0 ? std::vector{value, value + 7} : std::vector{value};
        case Kind::map:
            break;
    }
    return {value + 1};
}

/// Returns: the results of the plan, computed by a sequential loop.
std::vector<int> sequential(const Plan& plan) {
    std::vector<int> values;
    for (std::size_t w = 0; w < plan.steps.front().workers; ++w)
        for (int i = 0; i < plan.items; ++i) values.push_back(i);
    for (std::size_t s = 1; s < plan.steps.size(); ++s) {
        std::vector<int> next;
        for (const int value : values)
            for (const int result : results_of(plan.steps[s].kind, value)) next.push_back(result);
        values = std::move(next);
    }
    return values;
}

Setup settings(const Step& step) { return {.workers = step.workers, .qsize = step.qsize}; }

generator<Counted> items(const Plan& plan, Tally& tally) {
    const Step& step = plan.steps.front();
    Dice dice(this_worker::index() + 1);
    for (int i = 0; i < plan.items; ++i) {
        if (plan.at_stage == 0 && i >= plan.at_item) {
            if (plan.ending == Ending::error) throw i;
            if (plan.ending == Ending::early_return) co_return;
        }
        maybe_pause(dice, step.delay);
        co_yield Counted(tally, i);
    }
}

Stage<Counted, Counted> middle(const Plan& plan, Tally& tally, std::size_t position) {
    return Stage<Counted, Counted>(
               [&plan, &tally, position](Input<Counted> items) -> generator<Counted> {
                   const Step& step = plan.steps[position];
                   Dice dice(31 * position + this_worker::index() + 1);
                   int seen = 0;
                   for (Counted& item : items) {
                       if (plan.at_stage == position && seen++ >= plan.at_item) {
                           if (plan.ending == Ending::error) throw item.value;
                           if (plan.ending == Ending::early_return) co_return;
                       }
                       maybe_pause(dice, step.delay);
                       for (const int value : results_of(step.kind, item.value))
                           co_yield Counted(tally, value);
                   }
               })
        .setup(settings(plan.steps[position]));
}

Pipeline<void, Counted> pipeline(const Plan& plan, Tally& tally) {
    const auto source = [&plan, &tally] { return items(plan, tally); };
    Pipeline<void, Counted> pipe = Stage<void, Counted>(source).setup(settings(plan.steps.front()));
    if (plan.in_turn) pipe = fuse(settings(plan.steps[1]), source() | middle(plan, tally, 1));
    for (std::size_t s = plan.in_turn ? 2 : 1; s < plan.steps.size(); ++s)
        pipe = pipe | middle(plan, tally, s);
    return pipe;
}

/// Runs the plan. Returns: whether its results are right and nothing leaks.
bool holds(const Plan& plan, unsigned seed) {
    Tally tally;
    std::vector<int> results;
    bool task_exception = false;
    bool cancelled = false;
    {
        const Pipeline<void, Counted> pipe = pipeline(plan, tally);
        std::stop_source stop;
        std::jthread other;
        Dice dice(seed);
        auto running = pipe.results(stop.get_token());
        if (plan.ending == Ending::token)
            other = std::jthread([&stop, spins = dice(3000)] {
                for (unsigned i = 0; i < spins; ++i) detail::cpu_pause();
                stop.request_stop();
            });
        try {
            int count = 0;
            for (Counted& item : running) {
                results.push_back(item.value);
                maybe_pause(dice, 16);
                if (++count < plan.at_item) continue;
                if (plan.ending == Ending::leave) break;
                if (plan.ending == Ending::cancel) running.cancel();
            }
        } catch (const TaskException&) {
            task_exception = true;
        } catch (const CancelledError&) {
            cancelled = true;
        }
    }
    bool good = tally.alive == 0;
    if (task_exception && plan.ending != Ending::error) good = false;
    if (cancelled && plan.ending != Ending::cancel && plan.ending != Ending::token) good = false;
    // No value may occur more often than in the model.
    std::vector<int> expected = sequential(plan);
    std::sort(expected.begin(), expected.end());
    std::sort(results.begin(), results.end());
    good = good && std::includes(expected.begin(), expected.end(), results.begin(), results.end());
    const bool to_the_end = !task_exception && !cancelled && plan.ending != Ending::leave &&
                            plan.ending != Ending::early_return;
    if (to_the_end && results != expected) good = false;
    return good;
}

std::string to_string(const Plan& plan) {
    std::string text = std::to_string(plan.items) + " items" + (plan.in_turn ? " in turn" : "");
    for (const Step& step : plan.steps)
        text += " | x" + std::to_string(step.workers) + " q" +
                (step.qsize ? std::to_string(*step.qsize) : "-") + " kind " +
                std::to_string(static_cast<int>(step.kind));
    return text + ", ending " + std::to_string(static_cast<int>(plan.ending)) + " at stage " +
           std::to_string(plan.at_stage) + ", item " + std::to_string(plan.at_item);
}

}  // namespace

TEST_CASE("random pipelines have the results of a sequential loop and leak nothing", "[stress]") {
    constexpr unsigned pipelines = support::sanitized ? 400 : 800;
    const unsigned first = std::random_device()();
    std::cout << "random pipelines: first seed " << first << std::endl;
    for (unsigned seed = first; seed != first + pipelines; ++seed) {
        std::mt19937 random(seed);
        const Plan plan = random_plan(random);
        INFO("seed " << seed << ": " << to_string(plan));
        REQUIRE(holds(plan, seed));
    }
}

}  // namespace stress_random_tests
