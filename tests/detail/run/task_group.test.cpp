#include <parallelpipe/detail/run/task_group.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/this_worker.hpp>

#include "support/catch.hpp"
#include "support/scarce_memory.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <latch>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace detail_task_group_tests {

using parallelpipe::detail::failure;
using parallelpipe::detail::task_group;
using parallelpipe::detail::worker_identity;
using parallelpipe::detail::worker_scope;

namespace {

std::vector<failure> failures_of(const task_group& group) {
    std::vector<failure> all;
    group.each_failure([&](const failure& what) { all.push_back(what); });
    return all;
}

}  // namespace

TEST_CASE("a task_group runs every task on a thread of its own", "[task_group]") {
    std::latch all_at_once(3);
    std::atomic<int> ran{0};
    task_group group(3);
    for (int i = 0; i < 3; ++i)
        group.spawn([&] {
            all_at_once.arrive_and_wait();
            ++ran;
        });
    group.join();
    CHECK(ran == 3);
}

TEST_CASE("the destructor of a task_group joins", "[task_group]") {
    std::atomic<bool> done{false};
    std::binary_semaphore go(0);
    {
        task_group group(1);
        group.spawn([&] {
            go.acquire();
            done = true;
        });
        go.release();
    }
    CHECK(done);
}

TEST_CASE("a task_group without threads can be joined, and joined again", "[task_group]") {
    task_group group(0);
    group.join();
    group.join();
    CHECK(failures_of(group).empty());
}

TEST_CASE("a second caller of join waits for the first one", "[task_group]") {
    task_group group(1);
    std::binary_semaphore go(0);
    std::atomic<bool> done{false};
    std::atomic<int> saw_the_end{0};
    group.spawn([&] {
        go.acquire();
        done = true;
    });
    {
        std::vector<std::jthread> joiners;
        for (int i = 0; i < 2; ++i)
            joiners.emplace_back([&] {
                group.join();
                if (done) ++saw_the_end;
            });
        go.release();
    }
    CHECK(saw_the_end == 2);
}

TEST_CASE("a thread of the group that joins does not wait for itself", "[task_group]") {
    std::atomic<bool> returned{false};
    task_group group(1);
    group.spawn([&] {
        const worker_identity identity{"stage", 0, std::stop_token(), group.lineage_of_threads()};
        const worker_scope scope(identity);
        group.join();
        returned = true;
    });
    group.join();
    CHECK(returned);
}

TEST_CASE("a thread that has ended is joined when the next one starts", "[task_group]") {
    // An identifier is free for others when its thread has been joined, not before.
    constexpr std::size_t many = 1000;
    std::set<std::thread::id> seen;
    std::size_t started = 0;
    std::binary_semaphore told(0);
    task_group group(many);
    while (seen.size() == started && started != many) {
        group.spawn([&] {
            seen.insert(std::this_thread::get_id());
            told.release();
        });
        ++started;
        told.acquire();
    }
    CHECK(seen.size() == started - 1);
}

TEST_CASE("failures are listed in the order in which they were reported", "[task_group]") {
    task_group group(2);
    CHECK(failures_of(group).empty());
    std::binary_semaphore second(0);
    group.spawn([&] {
        second.acquire();
        group.report({1, 7, std::make_exception_ptr(std::logic_error("b"))});
    });
    group.spawn([&] {
        group.report({0, 3, std::make_exception_ptr(std::runtime_error("a"))});
        second.release();
    });
    group.join();
    const std::vector<failure> failures = failures_of(group);
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].stage == 0);
    CHECK(failures[0].worker == 3);
    CHECK_THROWS_AS(std::rethrow_exception(failures[0].cause), std::runtime_error);
    CHECK(failures[1].stage == 1);
    CHECK(failures[1].worker == 7);
    CHECK_THROWS_AS(std::rethrow_exception(failures[1].cause), std::logic_error);
}

TEST_CASE("reports from many threads are all kept", "[task_group]") {
    constexpr std::size_t threads = 8;
    task_group group(threads);
    for (std::size_t i = 0; i < threads; ++i)
        group.spawn([&group, i] { group.report({0, i, std::make_exception_ptr(1)}); });
    group.join();
    std::vector<bool> seen(threads, false);
    for (const failure& f : failures_of(group)) seen[f.worker] = true;
    CHECK(seen == std::vector<bool>(threads, true));
}

TEST_CASE("a task_group takes the reports of its threads without memory", "[task_group]") {
    constexpr std::size_t threads = 4;
    const auto cause = std::make_exception_ptr(1);
    task_group group(threads);
    support::lost_so_far();
    support::lose_next(support::Memory::any, 1000);
    for (std::size_t i = 0; i < 3 * threads + 1; ++i) group.report({0, i, cause});
    const int lost = support::lost_so_far();
    for (std::size_t i = 0; i < 1000; ++i) group.report({0, i, cause});
    support::lose_next(support::Memory::any, 0);
    CHECK(lost == 0);
    CHECK(support::lost_so_far() != 0);
    CHECK(failures_of(group).size() >= 3 * threads + 1);
}

TEST_CASE("worker scopes nest and end", "[task_group]") {
    const worker_identity outer{"outer", 1, std::stop_token(), nullptr};
    const worker_identity inner{"inner", 2, std::stop_token(), nullptr};
    {
        const worker_scope first(outer);
        CHECK(parallelpipe::this_worker::stage_name() == "outer");
        {
            const worker_scope second(inner);
            CHECK(parallelpipe::this_worker::stage_name() == "inner");
            CHECK(parallelpipe::this_worker::index() == 2);
        }
        CHECK(parallelpipe::this_worker::index() == 1);
    }
    CHECK(parallelpipe::this_worker::stage_name().empty());
}

}  // namespace detail_task_group_tests
