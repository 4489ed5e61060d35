#include <parallelpipe/error.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

// TaskError and TaskException: their texts, causes and item numbers.

// Types with names as in user code; the messages contain these names.
namespace custom {
struct Failure : std::runtime_error {
    Failure() : std::runtime_error("of my own"), number(17) {}
    int number;
};
struct NotDerived {
    int number;
};
}  // namespace custom

namespace error_tests {

using namespace parallelpipe;

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

template <class E>
std::exception_ptr cause(E&& error) {
    return std::make_exception_ptr(std::forward<E>(error));
}

TaskException one() {
    return TaskException({TaskError("add_one", 0, cause(std::invalid_argument("failed at 200")))});
}

TaskException two() {
    return TaskException({TaskError("add_one", 0, cause(std::invalid_argument("failed at 200"))),
                          TaskError("parse", 3, cause(std::out_of_range("late")))});
}

}  // namespace

static_assert(std::is_base_of_v<std::runtime_error, TaskException>);
static_assert(std::is_nothrow_copy_constructible_v<TaskException>);
static_assert(std::is_base_of_v<std::runtime_error, CancelledError>);
static_assert(std::is_base_of_v<std::runtime_error, NoResultError>);

TEST_CASE("the text for one error names the task, the type and the message", "[error]") {
    CHECK(std::string(one().what()) ==
          "The task \"add_one-0\" raised std::invalid_argument: failed at 200");
}

TEST_CASE("the text for several errors counts them and quotes the first", "[error]") {
    CHECK(std::string(two().what()) ==
          "2 tasks raised an exception. First error reported on task \"add_one-0\": "
          "std::invalid_argument: failed at 200");
}

TEST_CASE("a TaskException names the stage and worker of its first error", "[error]") {
    const TaskException e = two();
    CHECK(e.task() == "add_one-0");
    CHECK(e.stage() == "add_one");
    CHECK(e.worker() == 0);
    CHECK_THROWS_AS(std::rethrow_exception(e.cause()), std::invalid_argument);
    CHECK_THROWS_WITH(e.rethrow_cause(), "failed at 200");
}

TEST_CASE("a TaskException lists all errors in the order in which they were reported", "[error]") {
    const TaskException e = two();
    REQUIRE(e.errors().size() == 2);
    CHECK(e.errors()[0].task() == "add_one-0");
    CHECK(e.errors()[0].message() == "std::invalid_argument: failed at 200");
    CHECK(e.errors()[1].task() == "parse-3");
    CHECK(e.errors()[1].stage() == "parse");
    CHECK(e.errors()[1].worker() == 3);
    CHECK(e.errors()[1].message() == "std::out_of_range: late");
    CHECK_THROWS_AS(e.errors()[1].rethrow_cause(), std::out_of_range);
    CHECK(e.errors()[1].cause() != nullptr);
}

TEST_CASE("the cause is thrown with its own type and contents", "[error]") {
    const TaskException e({TaskError("s", 1, cause(custom::Failure()))});
    try {
        e.rethrow_cause();
    } catch (const custom::Failure& original) {
        CHECK(original.number == 17);
    }
    CHECK_THROWS_AS(e.rethrow_cause(), custom::Failure);
    CHECK(std::string(e.what()) == "The task \"s-1\" raised custom::Failure: of my own");
}

TEST_CASE("the text names the dynamic type of an exception", "[error]") {
    std::exception_ptr thrown;
    try {
        throw std::system_error(std::make_error_code(std::errc::timed_out), "read");
    } catch (const std::runtime_error&) {
        thrown = std::current_exception();
    }
    const TaskError e("io", 0, thrown);
    CHECK(e.message().starts_with("std::system_error: read"));
}

TEST_CASE("an exception that is not a std::exception is reported with its type", "[error]") {
    const TaskError number("s", 0, cause(42));
    CHECK(contains(number.message(), "not derived from std::exception"));
    CHECK_THROWS_AS(number.rethrow_cause(), int);

    const TaskException own({TaskError("s", 0, cause(custom::NotDerived{3}))});
    CHECK(std::string_view(own.what()).starts_with("The task \"s-0\" raised "));
    CHECK(contains(own.what(), "not derived from std::exception"));
    CHECK_THROWS_AS(own.rethrow_cause(), custom::NotDerived);
}

TEST_CASE("a copy of a TaskException outlives the original and has the same text", "[error]") {
    TaskException copy = [] {
        const TaskException original = two();
        return TaskException(original);
    }();
    CHECK(std::string(copy.what()) == two().what());
    CHECK(copy.errors().size() == 2);
    copy = one();
    CHECK(copy.errors().size() == 1);
    CHECK(std::string(copy.what()) == one().what());

    std::exception_ptr kept;
    try {
        throw two();
    } catch (const std::exception&) {
        kept = std::current_exception();
    }
    CHECK_THROWS_AS(std::rethrow_exception(kept), TaskException);
}

TEST_CASE("the texts of the other errors describe the error", "[error]") {
    CHECK(contains(CancelledError().what(), "cancelled"));
    CHECK(contains(NoResultError().what(), "without a result"));
}

TEST_CASE("a pipeline's exception has the texts of the contract", "[error]") {
    auto add_one = stage({.name = "add_one"}, [](Input<int> items) -> generator<int> {
        for (int x : items) {
            if (x == 200) throw std::invalid_argument("failed at 200");
            co_yield x + 1;
        }
    });
    try {
        for (int x : (std::views::iota(0) | add_one).results()) CHECK(x > 0);
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(std::string(e.what()) ==
              "The task \"add_one-0\" raised std::invalid_argument: failed at 200");
        CHECK(e.stage() == "add_one");
        CHECK_THROWS_AS(e.rethrow_cause(), std::invalid_argument);
    }
}

namespace {

/// Throws at the items 100 and 200; these values differ from the numbers of the items.
const auto hundred = [](Input<int> items) -> generator<int> {
    for (int x : items) {
        if (x == 100 || x == 200) throw std::invalid_argument("failed at " + std::to_string(x));
        co_yield x;
    }
};

template <class Runnable>
std::vector<TaskError> errors_of(const Runnable& runnable) {
    try {
        static_cast<void>(runnable.execute());
    } catch (const TaskException& e) {
        return e.errors();
    }
    return {};
}

}  // namespace

TEST_CASE("an error has the number of its item only if one was given", "[error]") {
    CHECK_FALSE(TaskError("s", 0, cause(42)).item());
    const TaskError seventh("s", 0, cause(42), 7);
    CHECK(seventh.item() == 7U);
    CHECK(TaskException({seventh}).errors().front().item() == 7U);
}

TEST_CASE("an error of an ordered stage has the number of the item, counted from 0", "[error]") {
    const std::size_t workers = GENERATE(1U, 2U, 4U);
    const Setup ordered{.workers = workers, .ordered = true};
    const auto even = filter([](int x) { return x % 2 == 0; });
    const auto check = [](const std::vector<TaskError>& errors, std::uint64_t number) {
        REQUIRE(errors.size() == 1);
        CHECK(errors.front().item() == number);
    };
    check(errors_of(std::views::iota(50, 190) | stage(ordered, hundred)), 50);
    check(errors_of(std::views::iota(100, 190) | stage(ordered, hundred)), 0);
    // The number counts the input of the stage that threw.
    check(errors_of(std::views::iota(50, 190) | even | stage(ordered, hundred)), 25);
    check(errors_of(std::vector{99, 98, 100} | stage(ordered, hundred)), 2);
    // The same with the pipeline's ordered().
    const auto plain = stage({.workers = workers}, hundred);
    check(errors_of((std::views::iota(50, 190) | even | plain).ordered()), 25);
    // The same with an ordered sink.
    const auto sink = stage(ordered, [](Input<int> items) {
        for (int x : items)
            if (x == 100) throw std::invalid_argument("sink");
    });
    check(errors_of(std::views::iota(60, 190) | sink), 40);
}

TEST_CASE("an error of a stage without order, or of a source, has no number", "[error]") {
    const std::vector<TaskError> unordered =
        errors_of(std::views::iota(50, 190) | stage({.workers = 2}, hundred));
    REQUIRE(unordered.size() == 1);
    CHECK_FALSE(unordered.front().item());
    const auto source = stage({.ordered = true}, []() -> generator<int> {
        co_yield 1;
        throw std::invalid_argument("source");
    });
    const std::vector<TaskError> of_source = errors_of(source);
    REQUIRE(of_source.size() == 1);
    CHECK_FALSE(of_source.front().item());
}

TEST_CASE("an error before the first item has no number", "[error]") {
    const std::size_t workers = GENERATE(1U, 2U);
    const auto set_up = Stage<int, int>(
        [](Input<int>) -> generator<int> {
            throw std::invalid_argument("no set-up");
            co_return;
        }).setup({.workers = workers, .ordered = true});
    for (const TaskError& error : errors_of(std::vector{1, 2, 3} | set_up))
        CHECK_FALSE(error.item());
    auto inline_results = (std::vector{1, 2, 3} | set_up).results(inline_run);
    try {
        for (int x : inline_results) CHECK(x == 0);
        FAIL("no error");
    } catch (const TaskException& e) {
        CHECK_FALSE(e.errors().front().item());
    }
}

TEST_CASE("with OnError::finish each error has the number of its own item", "[error]") {
    const std::vector<TaskError> errors =
        errors_of(std::views::iota(50, 230) |
                  stage({.workers = 3, .ordered = true, .on_error = OnError::finish}, hundred));
    std::set<std::uint64_t> numbers;
    for (const TaskError& error : errors) {
        REQUIRE(error.item());
        CHECK(error.message() ==
              "std::invalid_argument: failed at " + std::to_string(*error.item() + 50));
        numbers.insert(*error.item());
    }
    CHECK(numbers == std::set<std::uint64_t>{50, 150});
}

}  // namespace error_tests
