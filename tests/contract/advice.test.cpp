// Error messages of the library that advise a change: the advised code works. (tests/compile_fail does the same for
// compile-time messages.)

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace contract_advice_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

const std::vector numbers = {1, 2, 3, 4};

const auto pass = [](Input<int> in) -> generator<int> {
    for (int x : in) co_yield int{x};
};

/// Checks that `f` throws an Error whose message contains `advice`.
template <class Error, class F>
void check_advice(F f, std::string_view advice) {
    std::string said;
    try {
        f();
    } catch (const TaskException& error) {
        said = error.what();
    } catch (const Error& error) {
        said = error.what();
    }
    INFO(said);
    CHECK(said.find(advice) != std::string::npos);
}
template <class F>
void check_argument(F f, std::string_view advice) {
    check_advice<std::invalid_argument>(std::move(f), advice);
}

template <class Stage>
std::size_t count(const Stage& stage) {
    return (numbers | stage).collect().size();
}

}  // namespace

TEST_CASE("the advice for settings works", "[contract][advice]") {
    check_argument([] { static_cast<void>(stage({.workers = 0}, pass)); }, "needs at least one worker");
    CHECK(count(stage({.workers = 1}, pass)) == 4);
    check_argument([] { static_cast<void>(stage({.qsize = static_cast<std::size_t>(-1)}, pass)); },
                   "write 0 for an unlimited queue");
    CHECK(count(stage({.qsize = 0}, pass)) == 4);
    check_argument([] { static_cast<void>(take({.workers = 2}, 1)); }, "leave workers out");
    CHECK(count(take({.qsize = 2}, 1)) == 1);
    check_argument([] { static_cast<void>(batch(0)); }, "write batch(n) with n of at least 1");
    CHECK(count(batch(1)) == 4);
    check_argument([] { static_cast<void>(throttle({0, 1s})); }, "write throttle({100, 1s}), or throttle(100.0)");
    CHECK(count(throttle({100, 1s}, 4)) == 4);
    CHECK(count(throttle(100.0, 4)) == 4);
    check_argument([] { static_cast<void>(throttle({100, 1s}, 0)); }, "1 lets items leave one by one");
    CHECK(count(throttle({1000, 1s}, 1)) == 4);
    check_argument([] { static_cast<void>(RateLimit({0, 1s})); }, "write RateLimit({100, 1s}), or RateLimit(100.0)");
    CHECK(count(throttle(RateLimit({100, 1s}))) == 4);
    CHECK(count(throttle(RateLimit(100.0))) == 4);
}

TEST_CASE("the advice for the settings of a range holds", "[contract][advice]") {
    check_argument([] { static_cast<void>(source({.workers = 4}, numbers)); },
                   "write fuse({.workers = 4}, source(range) | stage)");
    CHECK(fuse({.workers = 4}, source(numbers) | stage(pass)).collect().size() == 4);
    check_argument([] { static_cast<void>(source({.retry = Retry{}}, numbers)); },
                   "write source(range) | map_stage({.retry = Retry{}}, f)");
    CHECK((source(numbers) | map_stage({.retry = Retry{}}, [](int x) { return x; })).collect().size() == 4);
    check_argument([] { static_cast<void>(source({.on_error = OnError::skip}, numbers)); }, "write OnError::finish");
    CHECK(source({.on_error = OnError::finish}, numbers).collect().size() == 4);
    check_argument([] { static_cast<void>(fuse(source(numbers))); }, "write fuse(source(range) | stage)");
    CHECK(fuse(source(numbers) | stage(pass)).collect().size() == 4);
}

TEST_CASE("the advice for policies of single items works", "[contract][advice]") {
    const std::string_view advice = "write map_stage, flat_map, filter, for_each or tap";
    check_argument([] { static_cast<void>(stage({.on_error = OnError::skip}, pass)); }, advice);
    check_argument([] { static_cast<void>(stage({.retry = Retry{.times = 1}}, pass)); }, advice);
    const Setup setup{.on_error = OnError::skip, .retry = Retry{.times = 1, .backoff = 1us}};
    const auto odd = [](int x) { return x % 2 == 0 ? throw std::runtime_error("even") : x; };
    CHECK(count(map_stage(setup, odd)) == 2);
    CHECK(count(flat_map(setup, [=](int x) { return std::vector{odd(x)}; })) == 2);
    CHECK(count(filter(setup, [=](int x) { return odd(x) == x; })) == 2);
    CHECK(count(tap(setup, [=](int x) { odd(x); })) == 2);
    (numbers | for_each(setup, [=](int x) { odd(x); })).execute();

    const auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    const auto by_value = map_stage([](std::unique_ptr<int> x) { return *x; });
    const auto by_reference = map_stage([](std::unique_ptr<int>& x) { return *x; });
    const auto lost = [](std::exception_ptr, std::unique_ptr<int>&) {};
    check_argument([&] { static_cast<void>(std::remove_const_t<decltype(by_value)>(by_value).dead_letter(lost)); },
                   "take it by reference: [](T& item) { ... }");
    CHECK((numbers | make | std::remove_const_t<decltype(by_reference)>(by_reference).dead_letter(lost)).collect().size() == 4);
    check_argument([&] {
        static_cast<void>(std::remove_const_t<decltype(by_reference)>(by_reference).dead_letter(
            std::function<void(std::exception_ptr, std::unique_ptr<int>&)>()));
    }, "is empty: pass a function");
}

TEST_CASE("the advice for runs works", "[contract][advice]") {
    const auto once = [] { return generator<int>(pass(Input<int>(numbers))) | stage(pass); };
    const auto pipe = once();
    CHECK(pipe.collect().size() == 4);
    check_advice<std::logic_error>([&] { static_cast<void>(pipe.collect()); }, "make the pipeline again with a new range");
    CHECK(once().collect().size() == 4);

    const auto none = std::vector<int>() | stage(pass);
    check_advice<NoResultError>([&] { none.execute(); }, "where that is no error, loop over results()");
    for (const int x : none.results()) CHECK(x == -1);

    const Setup ordered{.workers = 2, .ordered = true};
    const std::string_view advice = "give the stage one worker, or leave out its order";
    check_advice<std::logic_error>([&] { count(fuse(ordered, Stage<int, std::vector<int>>(batch(2, 1h)))); }, advice);
    CHECK(count(fuse({.ordered = true}, Stage<int, std::vector<int>>(batch(2, 1h)))) == 2);
    CHECK(count(fuse({.workers = 2}, Stage<int, std::vector<int>>(batch(4, 1h)))) >= 1);
}

TEST_CASE("the advice for a Monitor works", "[contract][advice]") {
    const auto pipe = numbers | stage(pass);
    check_argument([] { Monitor().trace(0); }, "leave it out, or write trace(4096)");
    check_argument([] { Monitor().record(0ns); }, "write record(50ms)");
    Monitor plain;
    std::ostringstream out;
    pipe.execute(plain);
    check_advice<std::logic_error>([&] { write_trace(out, plain); }, "call its trace() before the run");
    Monitor monitor;
    monitor.trace(4096).record(50ms);
    {
        auto running = pipe.results(monitor);
        check_advice<std::logic_error>([&] { monitor.trace(); }, "change its settings before the run or after its end");
        check_advice<std::logic_error>([&] { pipe.execute(monitor); }, "a Monitor of its own");
        Monitor own;
        CHECK(pipe.execute(own) == 4);
    }
    monitor.trace();
}

TEST_CASE("the advice for tests works", "[contract][advice]") {
    const auto pipe = stage(pass) | stage(pass);
    check_argument([&] { static_cast<void>(testing::run_with_delays({.workers = 2}, pipe, numbers)); },
                   "set the workers of its stages");
    CHECK(testing::run_with_delays({}, stage(pass).setup({.workers = 2}) | stage(pass), numbers).size() == 4);
}

}  // namespace contract_advice_tests
