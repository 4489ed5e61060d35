#include <parallelpipe/runnable.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace runnable_tests {

using namespace parallelpipe;

namespace {

/// A pipeline of the numbers 0 to 9 that notes the thread in which its stage runs.
class Noted {
public:
    Pipeline<void, int> pipe{std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9} | map_stage([this](int x) {
                                 runs_here_.store(std::this_thread::get_id() == caller_, std::memory_order_relaxed);
                                 return x;
                             })};

    bool ran_inline() const { return runs_here_.load(std::memory_order_relaxed); }

private:
    const std::thread::id caller_ = std::this_thread::get_id();
    std::atomic<bool> runs_here_{false};
};

/// Each of the four calls with these arguments takes all ten results.
template <class... How>
bool all_calls_give_all_results(const Pipeline<void, int>& pipe, How&&... how) {
    int looped = 0;
    for (int x : pipe.results(how...)) looped += x;
    int summed = 0;
    pipe.for_each([&](int x) { summed += x; }, how...);
    return looped == 45 && summed == 45 && pipe.execute(how...) == 9 && pipe.collect(how...).size() == 10 &&
           pipe.template collect<std::deque>(how...).size() == 10 &&
           pipe.template collect<std::set<int>>(how...).size() == 10;
}

/// Each of the four calls with these arguments throws CancelledError.
template <class... How>
bool all_calls_are_cancelled(const Pipeline<void, int>& pipe, How&&... how) {
    const auto is_cancelled = [](auto call) {
        try {
            call();
            return false;
        } catch (const CancelledError&) {
            return true;
        }
    };
    return is_cancelled([&] {
               for ([[maybe_unused]] int x : pipe.results(how...)) continue;
           }) &&
           is_cancelled([&] { pipe.for_each([](int) {}, how...); }) && is_cancelled([&] { pipe.execute(how...); }) &&
           is_cancelled([&] { pipe.collect(how...); }) &&
           is_cancelled([&] { pipe.template collect<std::set<int>>(how...); });
}

std::stop_token fired() {
    std::stop_source source;
    source.request_stop();
    return source.get_token();
}

}  // namespace

TEST_CASE("without arguments every call runs in threads", "[runnable]") {
    const Noted noted;
    CHECK(all_calls_give_all_results(noted.pipe));
    CHECK(!noted.ran_inline());
}

TEST_CASE("a token, a Monitor and inline_run each work alone", "[runnable]") {
    const Noted noted;
    std::stop_source source;
    CHECK(all_calls_give_all_results(noted.pipe, source.get_token()));
    CHECK(!noted.ran_inline());
    CHECK(all_calls_are_cancelled(noted.pipe, fired()));

    Monitor monitor;
    CHECK(all_calls_give_all_results(noted.pipe, monitor));
    CHECK(!noted.ran_inline());
    CHECK(monitor.stats().consumer.items == 10);

    CHECK(all_calls_give_all_results(noted.pipe, inline_run));
    CHECK(noted.ran_inline());
}

TEST_CASE("a token and a Monitor come in any order", "[runnable]") {
    const Noted noted;
    std::stop_source source;
    {
        Monitor monitor;
        CHECK(all_calls_give_all_results(noted.pipe, source.get_token(), monitor));
        CHECK(monitor.stats().consumer.items == 10);
    }
    {
        Monitor monitor;
        CHECK(all_calls_give_all_results(noted.pipe, monitor, source.get_token()));
        CHECK(monitor.stats().consumer.items == 10);
    }
    Monitor monitor;
    CHECK(all_calls_are_cancelled(noted.pipe, fired(), monitor));
    CHECK(monitor.stats().has_ended);
    CHECK(all_calls_are_cancelled(noted.pipe, monitor, fired()));
}

TEST_CASE("a token and inline_run come in any order", "[runnable]") {
    const Noted noted;
    std::stop_source source;
    CHECK(all_calls_give_all_results(noted.pipe, source.get_token(), inline_run));
    CHECK(noted.ran_inline());
    CHECK(all_calls_give_all_results(noted.pipe, inline_run, source.get_token()));
    CHECK(noted.ran_inline());
    CHECK(all_calls_are_cancelled(noted.pipe, fired(), inline_run));
    CHECK(all_calls_are_cancelled(noted.pipe, inline_run, fired()));
}

TEST_CASE("what converts to a token or to a Monitor is one", "[runnable]") {
    struct Timeout {
        std::stop_source source{};
        operator std::stop_token() const { return source.get_token(); }
    };
    const Noted noted;
    const Timeout timeout;
    CHECK(all_calls_give_all_results(noted.pipe, timeout));
    CHECK(all_calls_give_all_results(noted.pipe, std::stop_token{}));
    Timeout over;
    over.source.request_stop();
    Monitor monitor;
    CHECK(all_calls_are_cancelled(noted.pipe, over));
    CHECK(all_calls_are_cancelled(noted.pipe, std::ref(monitor), std::move(over)));
    CHECK(all_calls_give_all_results(noted.pipe, std::ref(monitor), timeout));
    CHECK(monitor.stats().consumer.items == 10);
}

TEST_CASE("a stage without input runs in the same ways", "[runnable]") {
    const auto count = Stage([]() -> generator<int> {
        for (int i = 0; i < 4; ++i) co_yield i;
    });
    Monitor monitor;
    CHECK(count.execute(monitor, std::stop_token()) == 3);
    CHECK(count.collect(std::stop_token(), monitor) == std::vector{0, 1, 2, 3});
    CHECK(count.collect<std::set<int>>(inline_run) == std::set{0, 1, 2, 3});
    int sum = 0;
    count.for_each([&](int x) { sum += x; }, inline_run, std::stop_token());
    for (int x : count.results(std::stop_token(), inline_run)) sum += x;
    CHECK(sum == 12);
}

TEST_CASE("a pipeline that ends in a sink is executed in the same ways", "[runnable]") {
    std::atomic<int> sum{0};
    const auto sink = std::vector{1, 2, 3} | for_each([&sum](int x) { sum += x; });
    Monitor monitor;
    sink.execute();
    sink.execute(inline_run);
    sink.execute(std::stop_token(), inline_run);
    sink.execute(monitor);
    sink.execute(std::stop_token(), monitor);
    CHECK(sum == 30);
    CHECK(monitor.stats().stages.back().items_in == 3);
    CHECK_THROWS_AS(sink.execute(inline_run, fired()), CancelledError);
    CHECK_THROWS_AS(sink.execute(monitor, fired()), CancelledError);
}

TEST_CASE("for_each moves results into a function that takes rvalues, and inline too", "[runnable]") {
    const auto words = std::vector<std::string>{"a", "b"} | map_stage([](std::string word) { return word; });
    std::string all;
    words.for_each([&](std::string&& word) { all += word; }, inline_run);
    words.for_each([&](std::string& word) { all += word; });
    CHECK(all == "abab");
}

TEST_CASE("what a stage throws leaves every call, inline too", "[runnable]") {
    const auto failing = std::vector{1, 2} | map_stage([](int x) { return x == 2 ? throw std::runtime_error("two") : x; });
    CHECK_THROWS_AS(failing.collect(inline_run), TaskException);
    CHECK_THROWS_AS(failing.for_each([](int) {}, inline_run), TaskException);
    CHECK_THROWS_AS(failing.collect(), TaskException);
}

TEST_CASE("what f of for_each throws leaves it as it is", "[runnable]") {
    const Noted noted;
    const auto refuse = [](int) { throw 7; };
    CHECK_THROWS_AS(noted.pipe.for_each(refuse), int);
    CHECK_THROWS_AS(noted.pipe.for_each(refuse, inline_run), int);
}

TEST_CASE("what can run prints its stages", "[runnable]") {
    const auto twice = map_stage({.workers = 2, .name = "twice"}, [](int x) { return 2 * x; });
    std::ostringstream text;
    text << twice << "; " << (std::vector{1} | twice) << "; " << to_string(std::vector{1} | twice | twice);
    CHECK(text.str() == "twice(x2); source | twice(x2); source | twice(x2) | twice(x2)");
}

}  // namespace runnable_tests
