// Compares random pipelines with a sequential model, which is built step by step together with the pipeline.
//
// The message of a failure begins with the seed of its pipeline, such as PARALLELPIPE_SEED=1234. With this variable
// in the environment the test runs only this pipeline, many times, because the timing varies.
//
// What the test checks:
// * The order of the results, if every stage is ordered or has one worker; else they are compared as a multiset.
// * OnError::stop in an ordered stage whose input has an order: exactly the results before the failing place. In any
//   other stage: no result that the model without the failing items does not have.
// * OnError::finish: all results but those of the failing items, as long as a worker is left. A single worker with
//   ordered input: the results before its failing item. Else: no other results.
// * Whether an error before a `take` is reached is unspecified.

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/dice.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace stress_model_tests {

using namespace parallelpipe;
using support::Counted;
using support::Dice;
using support::maybe_pause;
using support::Tally;

namespace {

constexpr int pipelines = 2000;

// ---- the steps of a pipeline ----------------------------------------------------------------

// The comments NEW KIND mark the places to extend for a new kind.
enum class Kind {
    source,     // `count` items of each worker
    range,      // a container of `count` items on the left
    map,        // one result per item
    filter,     // 0 or 1 result per item
    flat_map,   // 0 to 3 results per item
    plain,      // a coroutine: 0 to 2 results per item, and one before the first item and after the last
    batch,      // batches of `count` items, and a second stage that yields their elements
    enumerate,  // numbers the items, and a second stage combines number and item to one value
    take,       // the first `count` items
    drop        // all but the first `count` items
    // NEW KIND; also in to_string()
};

enum class Failing { never, stop, finish, skip, dead_letter };

// The place where a stage throws: at an item; a plain stage also after the results of the item, before
// its loop or after its loop.
enum class Place { item, after_results, set_up, end };

struct Step {
    Kind kind = Kind::source;
    std::size_t position = 0;
    std::string name;
    std::size_t workers = 1;
    std::size_t second_workers = 1;  // of the second stage, if the kind has one
    std::optional<std::size_t> qsize;
    bool ordered = false;
    unsigned delay = 1;  // one in `delay` items pauses
    unsigned salt = 0;   // the results of an item depend on its value and the salt
    std::size_t count = 0;
    std::size_t words_before = 0;
    std::size_t words_after = 0;
    std::size_t items_per_worker = 0;  // of a plain stage: workers but the first return after so many; 0: never
    bool keyed = false;        // a plain stage: equal keys go to the same worker
    bool in_turn = false;      // a plain stage: fused with the range before it, which its workers read

    Failing failing = Failing::never;
    Place place = Place::item;
    std::vector<int> bad;        // the items that fail at every attempt, with stop and finish
    std::size_t bad_worker = 0;  // the failing worker, unless it fails at an item of the input
    std::size_t bad_index = 0;   // of a source: it fails before this item
    std::size_t retries = 0;

    bool keeps_order() const { return workers == 1 || ordered; }
    bool ends_run() const { return failing == Failing::stop || failing == Failing::finish; }
    bool drops() const { return failing == Failing::skip || failing == Failing::dead_letter; }
    /// Whether the worker throws at the place `where`.
    bool fails(Place where, std::size_t worker) const {
        return ends_run() && place == where && worker == bad_worker;
    }
};

unsigned mixed(const Step& step, int value) {
    unsigned x = (static_cast<unsigned>(value) + step.salt) * 2654435761U;
    x ^= x >> 15U;
    x *= 2246822519U;
    return x ^ x >> 13U;
}

/// Returns: the number of attempts at an item that throw.
std::size_t failures(const Step& step, int value) {
    constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
    if (step.ends_run() && std::ranges::find(step.bad, value) != step.bad.end()) return all;
    const unsigned luck = mixed(step, value) >> 8U;
    if (step.drops() && luck % 5 == 0) return all;
    if (step.retries != 0 && luck % 5 == 1) return 1 + luck / 5 % step.retries;
    return 0;
}

/// Returns: the results of a stage for an item.
std::vector<int> results_of(const Step& step, int value) {
    const unsigned luck = mixed(step, value);
    const auto first_of = [luck](std::initializer_list<int> all) {
        return std::vector<int>(all.begin(), all.begin() + luck % (all.size() + 1));
    };
    switch (step.kind) {
        case Kind::map:
            return {2 * value + 1};
        case Kind::filter:
            return luck % 3 == 0 ? std::vector<int>() : std::vector{value};
        case Kind::flat_map:
            return first_of({3 * value, 3 * value + 1, 3 * value + 2});
        case Kind::plain:
            return first_of({2 * value, 2 * value + 1});
        default:
            return {value};
    }
}

int source_item(std::size_t worker, std::size_t index) {
    return static_cast<int>(1000 * worker + index);
}

int numbered(std::size_t number, int value) { return value + 1000 * static_cast<int>(number); }

/// Returns: the result that a worker of a plain stage yields before its first item or after its last.
int word(const Step& step, std::size_t worker, std::size_t index, bool after) {
    // With finish any worker may be lost, so all workers yield the same last result.
    if (after && step.failing == Failing::finish) worker = 0;
    return static_cast<int>(100000 * (step.position + 1) + (after ? 50000 : 0) + 100 * worker +
                            index);
}

// ---- the model ------------------------------------------------------------------------------

struct Range {
    std::size_t least = 0;
    std::size_t most = 0;
};

struct Counters {
    std::string name;
    std::size_t skipped = 0;
    std::size_t retried = 0;
    std::size_t failed = 0;
    std::vector<int> dead;  // the items that the dead-letter handler gets
    bool exact = true;      // false: the counters are upper bounds
};

class Model {
public:
    /// Appends `step` to the model.
    void add(const Step& step) {
        counters.emplace_back().name = step.name;
        counters.back().exact = exact;
        switch (step.kind) {
            case Kind::source:
            case Kind::range:
                add_source(step);
                break;
            case Kind::batch:
                // Only with one worker the model knows which items form a batch.
                in_order =
                    in_order && step.workers == 1 && (step.second_workers == 1 || step.ordered);
                break;
            case Kind::enumerate:
                for (std::size_t i = 0; i < values.size(); ++i) values[i] = numbered(i, values[i]);
                in_order = step.second_workers == 1 || step.ordered;
                break;
            case Kind::take:
                if (step.count > values.size()) break;
                values.resize(step.count);
                // The stages before it are stopped at an unspecified item.
                forget_counters();
                errors.least = 0;
                break;
            case Kind::drop:
                values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                  step.count, values.size())));
                break;
            // NEW KIND
            default:
                add_items(step);
        }
    }

    std::vector<int> values;
    bool in_order = true;  // the results have the order of `values`
    bool exact = true;     // false: the results are a part of `values`
    Range errors;          // the number of errors, all of `failing_stage`
    std::string failing_stage;
    std::vector<Counters> counters;  // one for each step

private:
    void add_source(const Step& step) {
        for (std::size_t worker = 0; worker < step.workers; ++worker)
            for (std::size_t i = 0; i < step.count; ++i) {
                if (step.fails(Place::item, worker) && i == step.bad_index) {
                    has_failed(step, 1);
                    if (step.failing == Failing::finish) break;
                    exact = step.ordered;
                    if (step.ordered) return;
                    break;
                }
                values.push_back(source_item(worker, i));
            }
        in_order = step.keeps_order();
    }

    void add_items(const Step& step) {
        const bool stops = step.failing == Failing::stop;
        const bool at_worker =
            step.ends_run() && (step.place == Place::set_up || step.place == Place::end);
        // Whether exactly the results before an error leave.
        const bool cuts = stops && step.ordered && (in_order || step.place == Place::set_up);
        const bool cuts_at_item = in_order && (step.workers == 1 || cuts);
        Counters& counted = counters.back();
        std::vector<int> results;
        const auto add_words = [&](std::size_t workers, std::size_t number, bool after) {
            for (std::size_t worker = 0; worker < workers; ++worker)
                for (std::size_t i = 0; i < number; ++i)
                    results.push_back(word(step, worker, i, after));
        };
        std::size_t failed = at_worker ? 1 : 0;
        if (step.place == Place::set_up && cuts) {
            add_words(step.bad_worker + 1, step.words_before, false);
        } else {
            add_words(step.workers, step.words_before, false);
            const bool goes_on = step.place != Place::set_up || step.workers != 1;
            if (goes_on) failed += add_results(step, counted, results, cuts_at_item);
            const std::size_t lost = std::min(failed, step.workers);
            if (step.place == Place::end)
                add_words(cuts ? step.bad_worker + 1 : step.workers, step.words_after, true);
            else if (failed == 0 || !stops)
                add_words(step.workers - lost, step.words_after, true);
            else if (!cuts_at_item)
                add_words(step.workers, step.words_after, true);
        }
        if (failed != 0) {
            has_failed(step, std::min(failed, step.workers));
            exact = stops ? cuts : at_worker || failed < step.workers || cuts_at_item;
            if (!exact || cuts_at_item) counted.exact = false;
        }
        if (step.kind == Kind::plain) counted.failed = 0;  // only ready-made stages count failed items
        values = std::move(results);
        in_order = in_order && step.keeps_order();
    }

    /// Appends the results of `step` for `values`. Returns: how many of the items end a worker.
    std::size_t add_results(const Step& step, Counters& counted, std::vector<int>& results,
                            bool cuts_at_item) const {
        std::size_t failed = 0;
        for (const int value : values) {
            const std::size_t throwing = failures(step, value);
            const bool fails = throwing > step.retries;
            counted.retried += std::min(throwing, step.retries);
            if (fails) ++counted.failed;
            if (fails && step.drops()) {
                ++counted.skipped;
                if (step.failing == Failing::dead_letter) counted.dead.push_back(value);
            } else if (!fails || step.place == Place::after_results) {
                if (failed == 0 || !cuts_at_item)
                    for (const int result : results_of(step, value)) results.push_back(result);
            }
            if (fails && !step.drops()) ++failed;
        }
        return failed;
    }

    void has_failed(const Step& step, std::size_t lost) {
        failing_stage = step.name;
        errors = {step.failing == Failing::stop ? 1 : lost, lost};
        if (step.failing == Failing::stop) forget_counters();
    }

    void forget_counters() {
        for (Counters& counted : counters) counted.exact = false;
    }
};

// ---- random plans ---------------------------------------------------------------------------

struct Plan {
    std::vector<Step> steps;
    bool all_ordered = false;
    Model expected;
};

class Planner {
public:
    explicit Planner(unsigned seed) : random_(seed) {}

    Plan plan() {
        Plan made;
        made.all_ordered = below(4) == 0;
        const std::size_t stages = 1 + below(4);
        // One stage may end the run; other stages may skip or retry items.
        const Failing failing = pick({Failing::never, Failing::stop, Failing::finish});
        const std::size_t failing_stage = below(stages + 1);
        for (std::size_t i = 0; i <= stages; ++i) {
            Step step = next_step(made, i == failing_stage ? failing : Failing::never);
            made.expected.add(step);
            made.steps.push_back(std::move(step));
        }
        return made;
    }

private:
    std::size_t below(std::size_t end) { return random_() % end; }
    template <class T>
    T pick(std::initializer_list<T> choices) {
        return choices.begin()[below(choices.size())];
    }

    Step next_step(const Plan& made, Failing failing) {
        Step step;
        step.position = made.steps.size();
        step.name = 's' + std::to_string(step.position);
        step.salt = static_cast<unsigned>(random_());
        step.ordered = made.all_ordered || below(2) == 0;
        step.delay = pick({1U, 4U, 32U, 1000U});
        const int qsize = pick({-1, 0, 1, 2, 3, 8, 64, static_cast<int>(1 + below(64))});
        if (qsize >= 0) step.qsize = static_cast<std::size_t>(qsize);
        step.workers = pick({1U, 1U, 1U, 2U, 3U, 5U});
        step.second_workers = pick({1U, 2U, 3U});
        step.kind = kind(made, failing);
        switch (step.kind) {
            case Kind::source:
            case Kind::range:
                step.count = pick({0U, 1U, 7U, 25U, 60U});
                if (step.kind == Kind::range) step.workers = 1;
                if (failing != Failing::never && step.count != 0 && step.kind == Kind::source) {
                    step.failing = failing;
                    step.bad_worker = below(step.workers);
                    step.bad_index = below(step.count);
                }
                return step;
            case Kind::batch:
                step.count = 1 + below(9);
                return step;
            case Kind::enumerate:
            case Kind::take:
            case Kind::drop:
                step.count = below(made.expected.values.size() + 3);
                step.workers = 1;
                return step;
            case Kind::plain:
                step.words_before = pick({0U, 0U, 1U, 2U});
                step.words_after = pick({0U, 0U, 1U, 2U});
                step.keyed = below(2) == 0;
                step.in_turn = step.position == 1 && made.steps.front().kind == Kind::range && below(2) == 0;
                if (failing == Failing::never && below(4) == 0) {
                    step.items_per_worker = 1 + below(8);
                    step.words_after = 0;
                }
                break;
            // NEW KIND
            default:
                step.retries = pick({0U, 0U, 1U, 3U});
                step.failing = pick({Failing::never, Failing::skip, Failing::dead_letter});
        }
        if (failing == Failing::never) return step;
        if (step.kind == Kind::plain)
            step.place = pick({Place::item, Place::after_results, Place::set_up, Place::end});
        if (step.place == Place::set_up || step.place == Place::end) {
            step.failing = failing;
            step.bad_worker = below(step.workers);
        } else if (!made.expected.values.empty()) {
            step.failing = failing;
            for (std::size_t i = pick({1U, 1U, 2U, 4U}); i != 0; --i)
                step.bad.push_back(made.expected.values[below(made.expected.values.size())]);
        }
        return step;
    }

    Kind kind(const Plan& made, Failing failing) {
        if (made.steps.empty()) return below(4) == 0 ? Kind::range : Kind::source;
        if (made.steps.back().kind == Kind::range) return Kind::plain;
        const std::initializer_list<Kind> can_fail = {Kind::map, Kind::filter, Kind::flat_map,
                                                      Kind::plain};
        if (failing != Failing::never || below(2) == 0) return pick(can_fail);
        // NEW KIND
        if (!made.expected.in_order || !made.expected.exact) return Kind::batch;
        return pick({Kind::batch, Kind::enumerate, Kind::take, Kind::drop});
    }

    std::mt19937 random_;
};

// ---- the pipeline ---------------------------------------------------------------------------

/// The items that the dead-letter handlers of a step got.
struct DeadLetters {
    std::mutex mutex;
    std::vector<int> values;
};

/// Handles an item before its results: pauses, and throws if the item must fail.
class Worker {
public:
    explicit Worker(const Step& step) : step_(&step) {}

    void begin(int value) {
        pause();
        attempt(value);
    }

    void attempt(int value) {
        const std::size_t throwing = failures(*step_, value);
        if (failed_ >= throwing) {
            failed_ = 0;
            return;
        }
        // The attempts at one item follow each other.
        failed_ = failed_ == step_->retries ? 0 : failed_ + 1;
        throw std::domain_error("no");
    }

    void pause() {
        if (!dice_) dice_.emplace(31 * step_->salt + this_worker::index());
        maybe_pause(*dice_, step_->delay);
    }

    const Step& step() const { return *step_; }

private:
    const Step* step_;
    std::size_t failed_ = 0;  // failed attempts at the current item
    std::optional<Dice> dice_;
};

struct Map {
    Worker worker;

    Counted operator()(Counted item) {
        // Overwrites the item: a retry must get an unchanged copy.
        const int value = std::exchange(item.value, 0);
        worker.begin(value);
        item.value = results_of(worker.step(), value).front();
        return item;
    }
};

struct Filter {
    Worker worker;

    bool operator()(const Counted& item) {
        worker.begin(item.value);
        return !results_of(worker.step(), item.value).empty();
    }
};

struct FlatMap {
    Worker worker;

    std::vector<Counted> operator()(const Counted& item) {
        worker.begin(item.value);
        std::vector<Counted> results;
        for (const int value : results_of(worker.step(), item.value)) {
            results.push_back(item);
            results.back().value = value;
        }
        return results;
    }
};

Setup settings(const Step& step) {
    Setup setup{
        .workers = step.workers, .qsize = step.qsize, .ordered = step.ordered, .name = step.name};
    if (step.failing == Failing::finish) setup.on_error = OnError::finish;
    if (step.failing == Failing::skip) setup.on_error = OnError::skip;
    if (step.retries != 0)
        setup.retry = Retry{.times = step.retries,
                            .backoff = std::chrono::nanoseconds(step.salt % 2 == 0 ? 0 : 500)};
    return setup;
}

Setup second_settings(const Step& step) {
    return {.workers = step.second_workers, .qsize = step.qsize, .ordered = step.ordered};
}

Stage<void, Counted> source(const Step& step, Tally& tally) {
    return Stage<void, Counted>([&step, &tally]() -> generator<Counted> {
               Worker worker(step);
               const std::size_t me = this_worker::index();
               for (std::size_t i = 0; i < step.count; ++i) {
                   if (step.fails(Place::item, me) && i == step.bad_index)
                       throw std::domain_error("no");
                   worker.pause();
                   co_yield Counted(tally, source_item(me, i));
               }
           })
        .setup(settings(step));
}

Stage<Counted, Counted> plain(const Step& step, Tally& tally) {
    Stage<Counted, Counted> made([&step, &tally](Input<Counted> items) -> generator<Counted> {
               Worker worker(step);
               const std::size_t me = this_worker::index();
               worker.pause();
               for (std::size_t i = 0; i < step.words_before; ++i)
                   co_yield Counted(tally, word(step, me, i, false));
               if (step.fails(Place::set_up, me)) throw std::domain_error("no");
               std::size_t seen = 0;
               for (Counted& item : items) {
                   worker.pause();
                   if (step.place == Place::item) worker.attempt(item.value);
                   for (const int value : results_of(step, item.value))
                       co_yield Counted(tally, value);
                   if (step.place == Place::after_results) worker.attempt(item.value);
                   if (me != 0 && ++seen == step.items_per_worker) co_return;
               }
               for (std::size_t i = 0; i < step.words_after; ++i)
                   co_yield Counted(tally, word(step, me, i, true));
               if (step.fails(Place::end, me)) throw std::domain_error("no");
           });
    if (step.keyed) made.partition_by([](const Counted& item) { return item.value % 7; });
    return made.setup(settings(step));
}

ItemStage<Counted, Counted> with_policy(ItemStage<Counted, Counted> stage, const Step& step,
                                        DeadLetters& dead) {
    if (step.failing == Failing::dead_letter)
        stage.dead_letter([&dead](const std::exception_ptr&, Counted& item) {
            const std::lock_guard lock(dead.mutex);
            dead.values.push_back(item.value);
        });
    return stage;
}

Pipeline<void, Counted> add(const Pipeline<void, Counted>& pipe, const Step& step, Tally& tally,
                            DeadLetters& dead) {
    switch (step.kind) {
        case Kind::map:
            return pipe | with_policy(map_stage(settings(step), Map{Worker(step)}), step, dead);
        case Kind::filter:
            return pipe | with_policy(filter(settings(step), Filter{Worker(step)}), step, dead);
        case Kind::flat_map:
            return pipe | with_policy(flat_map(settings(step), FlatMap{Worker(step)}), step, dead);
        case Kind::batch:
            return pipe | batch(settings(step), step.count) | unbatch(second_settings(step));
        case Kind::enumerate:
            return pipe | enumerate(settings(step)) |
                   map_stage(second_settings(step), [](std::pair<std::size_t, Counted> item) {
                       item.second.value = numbered(item.first, item.second.value);
                       return std::move(item.second);
                   });
        case Kind::take:
            return pipe | take(settings(step), step.count);
        case Kind::drop:
            return pipe | drop(settings(step), step.count);
        // NEW KIND
        default:
            return pipe | plain(step, tally);
    }
}

Pipeline<void, Counted> first(const Plan& plan, Tally& tally) {
    const Step& step = plan.steps.front();
    if (step.kind == Kind::source) return source(step, tally);
    std::vector<Counted> items;
    for (std::size_t i = 0; i < step.count; ++i) items.emplace_back(tally, source_item(0, i));
    const Step& next = plan.steps[1];
    if (next.in_turn) return fuse(settings(next), std::move(items) | plain(next, tally));
    return std::move(items) | plain(next, tally);
}

Pipeline<void, Counted> pipeline(const Plan& plan, Tally& tally, std::vector<DeadLetters>& dead) {
    Pipeline<void, Counted> pipe = first(plan, tally);
    const std::size_t done = plan.steps.front().kind == Kind::range ? 2 : 1;
    for (std::size_t i = done; i < plan.steps.size(); ++i)
        pipe = add(pipe, plan.steps[i], tally, dead[i]);
    return plan.all_ordered ? pipe.ordered() : pipe;
}

// ---- comparing ------------------------------------------------------------------------------

std::string to_string(const std::vector<int>& values) {
    std::string text = std::to_string(values.size()) + " {";
    for (const int value : values) text += ' ' + std::to_string(value);
    return text + " }";
}

std::string to_string(const Plan& plan) {
    constexpr const char* kinds[] = {"source", "range", "map",       "filter", "flat_map",
                                     "plain",  "batch", "enumerate", "take",   "drop"};
    constexpr const char* policies[] = {"", " stop", " finish", " skip", " dead_letter"};
    std::string text = plan.all_ordered ? "ordered() of" : "";
    for (const Step& step : plan.steps) {
        text += (step.position == 0 ? " " : " | ") + step.name + ' ' +
                kinds[static_cast<std::size_t>(step.kind)] + " x" + std::to_string(step.workers) +
                " q" + (step.qsize ? std::to_string(*step.qsize) : "-") +
                (step.ordered ? " ordered" : "") + (step.keyed ? " keyed" : "") +
                (step.in_turn ? " in turn" : "") + " n" + std::to_string(step.count) +
                policies[static_cast<std::size_t>(step.failing)];
        constexpr const char* places[] = {"", " after", " set-up", " end"};
        text += places[static_cast<std::size_t>(step.place)];
        if (!step.bad.empty()) text += " at " + to_string(step.bad);
        if (step.ends_run() && step.bad.empty())
            text += " of worker " + std::to_string(step.bad_worker) + " at " +
                    std::to_string(step.bad_index);
        if (step.kind == Kind::plain)
            text += (step.items_per_worker != 0 ? " items per worker " + std::to_string(step.items_per_worker) : "") +
                    " words " + std::to_string(step.words_before) + ' ' +
                    std::to_string(step.words_after);
        if (step.retries != 0) text += " retry " + std::to_string(step.retries);
    }
    return text;
}

/// Whether `some` equals `all`, or if not `exact`, is a part of `all`.
bool agree(std::vector<int> all, std::vector<int> some, bool in_order, bool exact) {
    if (!in_order) {
        std::ranges::sort(all);
        std::ranges::sort(some);
    }
    if (exact) return all == some;
    auto at = all.begin();
    for (const int value : some) {
        at = std::find(at, all.end(), value);
        if (at == all.end()) return false;
        ++at;
    }
    return true;
}

/// Runs the pipeline once. Returns: the differences to the model; empty without any.
std::string differences(const Plan& plan, const Pipeline<void, Counted>& pipe,
                        std::vector<DeadLetters>& dead, Dice dice) {
    const Model& expected = plan.expected;
    std::string text;
    const auto difference = [&text](const std::string& what) { text += "\n  " + what; };

    std::vector<int> values;
    std::vector<TaskError> errors;
    auto results = pipe.results();
    try {
        const unsigned delay = 1 + dice(40);
        for (const Counted& item : results) {
            values.push_back(item.value);
            maybe_pause(dice, delay);
        }
    } catch (const TaskException& e) {
        errors = e.errors();
    }

    if (!agree(expected.values, values, expected.in_order, expected.exact))
        difference(std::string("expected ") + (expected.exact ? "" : "some of ") +
                   (expected.in_order ? "in order " : "") + to_string(expected.values) +
                   "\n  but got " + to_string(values));
    if (errors.size() < expected.errors.least || errors.size() > expected.errors.most)
        difference(std::to_string(errors.size()) + " errors, not " +
                   std::to_string(expected.errors.least) + " to " +
                   std::to_string(expected.errors.most));
    for (const TaskError& error : errors)
        if (error.stage() != expected.failing_stage || error.message() != "std::domain_error: no")
            difference("an error of " + error.task() + ": " + error.message());

    const Statistics statistics = results.stats();
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const Counters& counted = expected.counters[i];
        const auto at = std::ranges::find(statistics.stages, counted.name, &StageStatistics::name);
        if (plan.steps[i].kind == Kind::range) continue;
        if (at == statistics.stages.end()) {
            difference(counted.name + " has no statistics");
            continue;
        }
        const auto compare = [&](const char* what, std::size_t is, std::size_t should) {
            if (is <= should && (is == should || !counted.exact)) return;
            difference(counted.name + ' ' + what + ' ' + std::to_string(is) + ", expected " +
                       (counted.exact ? "" : "at most ") + std::to_string(should));
        };
        compare("skipped", at->skipped, counted.skipped);
        compare("retried", at->retried, counted.retried);
        compare("failed", at->failed, counted.failed);
        if (!agree(counted.dead, std::exchange(dead[i].values, {}), false, counted.exact))
            difference(counted.name + " has the wrong dead letters");
    }
    return text;
}

std::string differences(unsigned seed) {
    const Plan plan = Planner(seed).plan();
    Dice dice(seed);
    Tally tally;
    std::string text;
    {
        std::vector<DeadLetters> dead(plan.steps.size());
        const Pipeline<void, Counted> pipe = pipeline(plan, tally, dead);
        const long at_rest = tally.alive;
        for (unsigned runs = dice(8) == 0 ? 2 : 1; runs != 0 && text.empty(); --runs) {
            text = differences(plan, pipe, dead, dice);
            if (tally.alive != at_rest)
                text += "\n  " + std::to_string(tally.alive - at_rest) + " items leaked";
        }
    }
    if (tally.alive != 0)
        text += "\n  " + std::to_string(tally.alive) + " items left in the pipeline";
    if (text.empty()) return text;
    return "PARALLELPIPE_SEED=" + std::to_string(seed) + ": " + to_string(plan) + text;
}

/// Prints the pipeline that hangs, before the time limit of the test.
class HangReport {
public:
    void begin(unsigned seed) {
        const std::lock_guard lock(mutex_);
        seed_ = seed;
        ++turn_;
    }

private:
    void watch(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            const std::size_t turn = turn_;
            wake_.wait_for(lock, stop, support::longest_wait, [] { return false; });
            if (!stop.stop_requested() && turn == turn_)
                std::cout << "PARALLELPIPE_SEED=" << seed_ << " hangs" << std::endl;
        }
    }

    std::mutex mutex_;
    std::condition_variable_any wake_;
    unsigned seed_ = 0;
    std::size_t turn_ = 0;
    std::jthread watcher_{[this](const std::stop_token& stop) { watch(stop); }};
};

}  // namespace

TEST_CASE("random pipelines have the results of a sequential model", "[stress]") {
    const char* const given = std::getenv("PARALLELPIPE_SEED");
    const unsigned first =
        given ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
    std::cout << "random pipelines against a model: " << (given ? "only" : "first") << " seed "
              << first << std::endl;
    if (given) std::cout << to_string(Planner(first).plan()) << std::endl;
    HangReport hangs;
    unsigned seed = first;
    for (int i = 0; i < pipelines; ++i) {
        hangs.begin(seed);
        REQUIRE(differences(seed) == "");
        if (!given) ++seed;
    }
}

}  // namespace stress_model_tests
