// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_TESTING_HPP
#define PARALLELPIPE_TESTING_HPP

// For tests of your own stage functions, with any test framework or none. Include it by itself: it
// is not in <parallelpipe.hpp>, as no program needs it.
//
// GoogleTest has a namespace of the same name: beside `using namespace parallelpipe` write
// `::testing` for it, as its macros do.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/stage_code.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/fuse.hpp>
#include <parallelpipe/generator.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/pipeline.hpp>
#include <parallelpipe/runnable.hpp>
#include <parallelpipe/setup.hpp>
#include <parallelpipe/stage.hpp>
#include <parallelpipe/this_worker.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::testing {

/// How run_with_delays() disturbs a run, for designated initialisers: `{.seed = 7, .workers = 4}`.
struct Delays {
    /// Each worker has a sequence of delays of its own, the same whenever the seed is the same. How
    /// the threads meet is still up to the machine: a seed that failed fails again often, not
    /// always.
    std::uint64_t seed = 1;
    /// No delay is longer, but for what the system adds to a sleep. Half of them are none at all,
    /// most others only offer the core to another thread.
    std::chrono::nanoseconds longest = std::chrono::microseconds(200);
    /// As in Setup. 3 for a stage function; a Stage or a Pipeline keeps what it has.
    std::optional<std::size_t> workers = std::nullopt;
    /// As in Setup. 2 for a stage function; a Stage or a Pipeline keeps what it has.
    std::optional<std::size_t> qsize = std::nullopt;
    /// As in Setup.
    std::optional<bool> ordered = std::nullopt;
};

/// What repeat() throws: a test failed with this seed.
class SeedFailure : public std::runtime_error {
public:
    SeedFailure(std::uint64_t seed, const std::string& how)
        : std::runtime_error("parallelpipe: with seed " + std::to_string(seed) + " the test " +
                             how + " (PARALLELPIPE_SEED=" + std::to_string(seed) +
                             " in the environment runs that seed alone)"),
          seed_(seed) {}

    std::uint64_t seed() const noexcept { return seed_; }

private:
    std::uint64_t seed_;
};

}  // namespace parallelpipe::testing

namespace parallelpipe::inline v0::detail {

// ---- delays -----------------------------------------------------------------------------------

/// Where something may be delayed: each place has delays of its own.
enum class delay_place : unsigned { source, item, result, consumer };

/// A sequence of delays.
class delay_sequence {
public:
    delay_sequence(const testing::Delays& delays, delay_place place, std::size_t worker)
        : longest_(std::max(delays.longest, std::chrono::nanoseconds())),
          random_(seeded(delays, place, worker)) {}

    /// The next one; zero is none, less than zero offers the core to another thread.
    std::chrono::nanoseconds next() {
        const auto dice = random_() % 16;
        if (dice < 8) return {};
        if (dice < 13) return std::chrono::nanoseconds(-1);
        return std::chrono::nanoseconds(static_cast<std::int64_t>(
            static_cast<double>((dice < 15 ? longest_ / 8 : longest_).count()) *
            (static_cast<double>(random_()) / static_cast<double>(std::mt19937::max()))));
    }

    void wait() {
        const std::chrono::nanoseconds time = next();
        if (time.count() > 0)
            std::this_thread::sleep_for(time);
        else if (time.count() < 0)
            std::this_thread::yield();
    }

private:
    static std::mt19937 seeded(const testing::Delays& delays, delay_place place,
                               std::size_t worker) {
        // seed_seq takes the lower 32 bits of each.
        const std::uint64_t numbers[] = {delays.seed, delays.seed >> 32,
                                         static_cast<std::uint64_t>(place), worker};
        std::seed_seq seeds(std::begin(numbers), std::end(numbers));
        return std::mt19937(seeds);
    }

    std::chrono::nanoseconds longest_;
    std::mt19937 random_;
};

/// Hands the items on, with delays before it takes one, while it has it and behind it.
template <class T>
generator<T> dawdle(Input<T> items, testing::Delays delays, delay_place place) {
    delay_sequence delay(delays, place, this_worker::index());
    delay.wait();
    for (T& item : items) {
        delay.wait();
        co_yield std::move(item);
        delay.wait();
    }
}

template <class T>
Stage<T, T> dawdling(const testing::Delays& delays, delay_place place) {
    return Stage<T, T>(&dawdle<T>, delays, place);
}

// ---- what is tested ---------------------------------------------------------------------------

template <class What>
constexpr bool is_source() {
    if constexpr (typed_operand<What>)
        return std::is_void_v<typename chain_of<What>::in>;
    else if constexpr (has_signature<What>)
        return std::is_void_v<
            typename first_parameter_input<typename signature<What>::parameters>::type>;
    else
        return false;
}

/// What the function takes; if it takes anything, `Element`.
template <class F, class Element>
struct tested_input {
    using type = Element;
};
template <class F, class Element>
    requires has_signature<F>
struct tested_input<F, Element> : first_parameter_input<typename signature<F>::parameters> {
};

/// A Stage or a Pipeline, with these arguments, for items of type In if that is open.
template <class In, class What, class... Arguments>
auto completed(const What& what, Arguments&&... arguments) {
    if constexpr (typed_operand<What>) {
        static_assert(
            sizeof...(Arguments) == 0,
            "parallelpipe: this Stage or Pipeline has its arguments already; leave them out");
        return what;
    } else if constexpr (generic_operand<What> && sizeof...(Arguments) == 0) {
        return what.template on<In>();
    } else if constexpr (generic_operand<What>) {
        return detail::completed<In>(what(std::forward<Arguments>(arguments)...));
    } else {
        return detail::completed<In>(stage(what), std::forward<Arguments>(arguments)...);
    }
}

/// Calls a stage function as a worker does, without one.
template <class In, class F, class... Bound>
auto results_of_call(F& f, input_of_t<In> items, std::tuple<Bound...> bound) {
    using Result = stage_result_t<F, In, Bound...>;
    if constexpr (std::is_void_v<Result>) {
        detail::call_stage(f, items, bound);
    } else {
        using Out = output_item_t<Result>;
        static_assert(!detail::may_view<In, Out>(),
                      "parallelpipe: this stage function yields views of its items, which are gone when the test looks at "
                      "its results; yield a std::string, or, where what the views look at outlives the run, a "
                      "Lasting<std::string_view>");
        auto range = detail::call_stage(f, items, bound);
        std::vector<Out> all;
        const auto end = std::ranges::end(range);
        for (auto it = std::ranges::begin(range); it != end; ++it)
            all.push_back(static_cast<Out>(take_element<decltype(range)>(it)));
        return all;
    }
}

template <class In, class F, class... Arguments>
auto results_of_function(F& f, input_of_t<In> items, Arguments&&... arguments) {
    return [&]<class... Bound>(type_list<Bound...>) {
        return detail::results_of_call<In>(
            f, std::move(items), std::tuple<Bound...>(std::forward<Arguments>(arguments)...));
    }(typename kept_arguments<F, In, std::unwrap_ref_decay_t<Arguments>...>::type{});
}

template <class Out>
auto collected_inline(const Pipeline<void, Out>& pipeline) {
    if constexpr (std::is_void_v<Out>) {
        pipeline.execute(inline_run);
    } else {
        std::vector<Out> all;
        for (Out& result : pipeline.results(inline_run)) all.push_back(std::move(result));
        return all;
    }
}

template <class What, class Range, class... Arguments>
auto results_of_reader(What& what, Range&& input, Arguments&&... arguments) {
    using Element = std::ranges::range_value_t<Range>;
    if constexpr (operand<What>) {
        return detail::collected_inline(
            std::forward<Range>(input) |
            detail::completed<Element>(what, std::forward<Arguments>(arguments)...));
    } else {
        using In = typename tested_input<What, Element>::type;
        return detail::results_of_function<In>(what, Input<In>(std::forward<Range>(input)),
                                               std::forward<Arguments>(arguments)...);
    }
}

/// The stage with delays inside each worker: before and behind the stage function, in the same
/// thread.
template <class In, class Out>
Pipeline<In, Out> disturbed(const testing::Delays& delays, const Stage<In, Out>& stage) {
    stage_entry tested = stage.entry();
    Setup outer = tested.setup;
    outer.retry.reset();
    if (outer.on_error == OnError::skip) outer.on_error.reset();
    apply(outer, {.workers = delays.workers, .qsize = delays.qsize, .ordered = delays.ordered});
    // Errors carry the name of the stage inside.
    if (!tested.setup.name) tested.setup.name = "tested";

    const auto with_results = [&](const auto& reader) {
        if constexpr (std::is_void_v<Out>)
            return reader;
        else
            return reader | detail::dawdling<Out>(delays, delay_place::result);
    };
    const auto whole = [&] {
        const Pipeline<In, Out> alone(std::vector{tested});
        if constexpr (std::is_void_v<In>)
            return with_results(alone);
        else
            return with_results(detail::dawdling<In>(delays, delay_place::item) | alone);
    };
    stage_entry made = parallelpipe::fuse(std::move(outer), Pipeline<In, Out>(whole())).entry();
    made.partition = tested.partition;
    return Pipeline<In, Out>(std::vector{std::move(made)});
}

template <class In, class Out>
Pipeline<In, Out> disturbed(const testing::Delays& delays, const Pipeline<In, Out>& pipeline) {
    if (delays.workers)
        throw std::invalid_argument(
            "parallelpipe: Delays::workers is for one stage, and this is a pipeline of several; "
            "set the workers of its stages");
    std::vector<stage_entry> stages = pipeline.stages();
    for (stage_entry& stage : stages)
        apply(stage.setup, {.qsize = delays.qsize, .ordered = delays.ordered}, stage.per_item);
    return Pipeline<In, Out>(std::move(stages));
}

template <class In, class What, class... Arguments>
auto disturbed_run(testing::Delays delays, const What& what, Arguments&&... arguments) {
    if constexpr (!operand<What>) {
        if (!delays.workers) delays.workers = 3;
        if (!delays.qsize) delays.qsize = 2;
    }
    return detail::disturbed(delays,
                             detail::completed<In>(what, std::forward<Arguments>(arguments)...));
}

/// Runs it; the thread that takes the results dawdles as well.
template <class Out>
auto run_disturbed(const testing::Delays& delays, const Pipeline<void, Out>& pipeline) {
    if constexpr (std::is_void_v<Out>) {
        pipeline.execute();
    } else {
        delay_sequence delay(delays, delay_place::consumer, 0);
        std::vector<Out> all;
        for (Out& result : pipeline.results()) {
            all.push_back(std::move(result));
            delay.wait();
        }
        return all;
    }
}

template <class What, class Range, class... Arguments>
auto run_reader(const testing::Delays& delays, const What& what, Range&& input,
                Arguments&&... arguments) {
    const auto reader = detail::disturbed_run<std::ranges::range_value_t<Range>>(
        delays, what, std::forward<Arguments>(arguments)...);
    using In = typename chain_of<decltype(reader)>::in;
    const auto whole =
        detail::dawdle<In>(Input<In>(std::forward<Range>(input)), delays, delay_place::source) |
        reader;
    std::vector<stage_entry> stages = whole.stages();
    stages.front().setup.qsize = delays.qsize.value_or(2);  // of the source
    return detail::run_disturbed(
        delays, Pipeline<void, typename chain_of<decltype(whole)>::out>(std::move(stages)));
}

}  // namespace parallelpipe::detail

namespace parallelpipe::inline v0::testing {

/// Runs a stage function in the calling thread: `results_of(add_n, std::vector{1, 2, 3}, 7)`.
/// Shape: `what` is a stage function, a Stage, a Pipeline, or what `stage(f)` and `map_stage(f)`
///   make. Behind it stands the input, any range (an rvalue is moved from), then the arguments of
///   `what`. A source has no input: `results_of(count, 100)`.
/// Threads: none, so there is no timing. A stage function is called once with everything, as if it
///   had one worker; stages and pipelines run as with `inline_run`.
/// Returns: a vector of all results; nothing for a sink.
/// Errors: what the stage function throws, as it is; of stages and pipelines `TaskException`.
template <class What, class... Arguments>
auto results_of(What what, Arguments&&... arguments) {
    constexpr bool has_input = detail::is_source<What>() || sizeof...(Arguments) != 0;
    static_assert(has_input,
                  "parallelpipe: this reads items; write results_of(f, std::vector{1, 2, 3})");
    if constexpr (!detail::is_source<What>()) {
        if constexpr (has_input)
            return detail::results_of_reader(what, std::forward<Arguments>(arguments)...);
    } else if constexpr (detail::operand<What>) {
        return detail::collected_inline(
            Pipeline(detail::completed<void>(what, std::forward<Arguments>(arguments)...)));
    } else {
        return detail::results_of_function<void>(what, {}, std::forward<Arguments>(arguments)...);
    }
}

/// Runs a stage function with several workers and random delays, to find what depends on timing:
/// shared data without a lock (under ThreadSanitizer), results expected in order, a worker that is
/// expected to see every item: `run_with_delays({.seed = 7}, add_n, std::vector{1, 2, 3}, 7)`.
/// Shape: as in results_of(). There are delays before a worker takes an item, between that and the
///   stage function, behind each result before it goes on, in the source, and in the loop that
///   takes the results. Queues are small, so that everybody waits for everybody. A Stage keeps its
///   settings unless `delays` has others. Of a Pipeline only the ends dawdle; put with_delays()
///   around its stages.
/// Returns: a vector of all results, as they came: sorted() makes them comparable. Nothing for a
///   sink.
/// Errors: those of Pipeline::results(), and `TaskException`. `std::invalid_argument` for a setting
///   that no stage can have, and for workers of a Pipeline.
template <class What, class... Arguments>
auto run_with_delays(const Delays& delays, What what, Arguments&&... arguments) {
    constexpr bool has_input = detail::is_source<What>() || sizeof...(Arguments) != 0;
    static_assert(has_input,
                  "parallelpipe: this reads items; write run_with_delays({.seed = 7}, f, "
                  "std::vector{1, 2, 3})");
    if constexpr (!detail::is_source<What>()) {
        if constexpr (has_input)
            return detail::run_reader(delays, what, std::forward<Arguments>(arguments)...);
    } else {
        return detail::run_disturbed(
            delays,
            detail::disturbed_run<void>(delays, what, std::forward<Arguments>(arguments)...));
    }
}

/// The stage with such delays, to stand in a pipeline: `lines | with_delays({}, parse) | sum`.
/// Shape: a Pipeline of this one stage, with its settings unless `delays` has others; an error has
///   the stage's name.
template <class In, class Out>
Pipeline<In, Out> with_delays(const Delays& delays, const Stage<In, Out>& stage) {
    return detail::disturbed(delays, stage);
}

/// `CHECK(sorted(run_with_delays({}, f, input)) == expected)`.
template <class T>
std::vector<T> sorted(std::vector<T> results) {
    std::sort(results.begin(), results.end());
    return results;
}

/// Calls `test(seed)` with `times` seeds from `first` on; with the one of the environment variable
/// PARALLELPIPE_SEED alone, if there is one.
/// Shape: the test fails when it returns false or throws. The macros of GoogleTest do neither:
///   return a bool there.
/// Errors: `SeedFailure`, which names the seed, at the first failure; what the test threw is nested
///   in it.
template <class Test>
void repeat(std::size_t times, Test test, std::uint64_t first = 1) {
    if (const char* const alone = std::getenv("PARALLELPIPE_SEED")) {
        first = std::strtoull(alone, nullptr, 10);
        times = 1;
    }
    for (std::uint64_t seed = first; seed != first + times; ++seed) {
        bool good = true;
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Test&, std::uint64_t>>)
                test(seed);
            else
                good = static_cast<bool>(test(seed));
        } catch (...) {
            std::throw_with_nested(
                SeedFailure(seed, "threw " + detail::describe(std::current_exception())));
        }
        if (!good) throw SeedFailure(seed, "failed");
    }
}

}  // namespace parallelpipe::testing

#endif
