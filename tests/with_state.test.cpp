#include <parallelpipe/with_state.hpp>

#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/outcome.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <any>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace with_state_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::listed;
using support::outcome_of;
using support::sorted;
using support::up_to;

namespace {

/// What has become of the states of a test, from any thread.
struct Log {
    std::mutex mutex;
    int made = 0;
    int alive = 0;
    int misplaced = 0;  // used or destroyed in another thread than the one that made it
    std::set<std::size_t> workers;
};

/// A connection that cannot be copied or moved.
class Client {
public:
    explicit Client(Log& log) : log_(log) {
        const std::lock_guard lock(log_.mutex);
        ++log_.made;
        ++log_.alive;
        log_.workers.insert(this_worker::index());
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        check_thread();
        const std::lock_guard lock(log_.mutex);
        --log_.alive;
    }

    int get(int x) {
        check_thread();
        ++calls_;
        return x + 1;
    }
    int calls() const { return calls_; }

private:
    void check_thread() const {
        if (std::this_thread::get_id() == thread_) return;
        const std::lock_guard lock(log_.mutex);
        ++log_.misplaced;
    }

    Log& log_;
    const std::thread::id thread_ = std::this_thread::get_id();
    int calls_ = 0;
};

auto connect_to(Log& log) {
    return [&log] { return Client(log); };
}

void check_ended(const Log& log, int made) {
    CHECK(log.made == made);
    CHECK(log.alive == 0);
    CHECK(log.misplaced == 0);
}

struct Url {
    std::string text;
};
struct Connection {
    explicit Connection(int number) : port(number) {}
    std::string get(const Url& url) const { return std::to_string(port) + url.text; }
    int port;
};

}  // namespace

TEST_CASE("each worker has a state of its own, made and destroyed in its thread", "[with_state]") {
    Log log;
    const std::vector<int> numbers = up_to(300);
    std::vector<int> expected = up_to(301);
    expected.erase(expected.begin());
    const auto pipe = numbers | map_stage({.workers = 3}, with_state(connect_to(log), [](Client& c, int x) { return c.get(x); }));
    CHECK(sorted(pipe) == expected);
    check_ended(log, 3);
    CHECK(log.workers == std::set<std::size_t>{0, 1, 2});
    CHECK(sorted(pipe) == expected);
    check_ended(log, 6);  // a run of its own
    CHECK(pipe.ordered().collect() == expected);
    check_ended(log, 9);
}

TEST_CASE("every stage that calls a function with each item takes a state", "[with_state]") {
    Log log;
    const std::vector<int> numbers = up_to(4);
    SECTION("map_stage") {
        CHECK(listed(numbers | map_stage(with_state(connect_to(log), [](Client& c, int x) { return c.get(x); }))) ==
              std::vector{1, 2, 3, 4});
    }
    SECTION("filter") {
        CHECK(listed(numbers | filter(with_state(connect_to(log), [](Client& c, int x) { return c.get(x) > 2; }))) ==
              std::vector{2, 3});
    }
    SECTION("flat_map") {
        const auto twice = [](Client& c, int x) { return std::vector{c.get(x), c.get(x)}; };
        CHECK(listed(numbers | take(2) | flat_map(with_state(connect_to(log), twice))) == std::vector{1, 1, 2, 2});
    }
    SECTION("flat_map to a generator, which uses the state while it is read") {
        const auto count = [](Client& c, int x) -> generator<int> {
            for (int i = 0; i < x; ++i) co_yield c.get(i);
        };
        CHECK(listed(numbers | flat_map(with_state(connect_to(log), count))) == std::vector{1, 1, 2, 1, 2, 3});
    }
    SECTION("tap") {
        std::atomic<int> sum{0};
        const auto add = [&sum](Client& c, int x) { sum += c.get(x); };
        CHECK(listed(numbers | tap(with_state(connect_to(log), add))) == numbers);
        CHECK(sum == 10);
    }
    SECTION("for_each") {
        std::atomic<int> sum{0};
        (numbers | for_each(with_state(connect_to(log), [&sum](Client& c, int x) { sum += c.get(x); }))).execute();
        CHECK(sum == 10);
    }
    SECTION("take_while") {
        CHECK(listed(numbers | take_while(with_state(connect_to(log), [](Client& c, int x) { return c.get(x) < 3; }))) ==
              std::vector{0, 1});
    }
    SECTION("reduce") {
        const auto add = [](Client& c, int sum, int x) { return sum + c.get(x); };
        CHECK((numbers | reduce(0, with_state(connect_to(log), add))).execute() == 10);
    }
    check_ended(log, 1);
}

TEST_CASE("a parallel reduce has a state for each worker, and one to combine", "[with_state]") {
    Log log;
    const auto add = [](Client& c, int sum, int x) { return sum + c.get(x); };
    const auto combine = [](Client&, int a, int b) { return a + b; };
    const auto pipe = up_to(100) | reduce({.workers = 3}, 0, with_state(connect_to(log), add),
                                          with_state(connect_to(log), combine));
    CHECK(pipe.execute() == 5050);
    check_ended(log, 4);
}

TEST_CASE("a state is made once, and not moved", "[with_state]") {
    SECTION("also where it can be made of anything") {
        const auto holds_int = [](std::any& state, int x) { return std::any_cast<int>(state) + x; };
        const auto make = [] { return std::any(7); };
        CHECK(listed(std::vector{1, 2} | map_stage(with_state(make, holds_int))) == std::vector{8, 9});
    }
    SECTION("a const one, too") {
        const auto make = []() -> const std::string { return "state "; };
        CHECK(listed(std::vector{1} | map_stage(with_state(make, [](const std::string& s, int x) {
                         return s + std::to_string(x);
                     }))) == std::vector<std::string>{"state 1"});
    }
    SECTION("a number") {
        const auto count = [](int& state, int) { return ++state; };
        const auto pipe = std::vector{5, 5, 5} | map_stage(with_state([] { return 0; }, count));
        CHECK(listed(pipe) == std::vector{1, 2, 3});
        CHECK(listed(pipe) == std::vector{1, 2, 3});
    }
}

TEST_CASE("with_state takes functions of every kind", "[with_state]") {
    const auto make = [] { return Connection(80); };
    const std::vector<Url> urls{{"/a"}, {"/b"}};
    const std::vector<std::string> expected{"80/a", "80/b"};
    SECTION("a generic item") {
        CHECK(listed(urls | map_stage(with_state(make, [](Connection& c, const auto& u) { return c.get(u); }))) == expected);
    }
    SECTION("a generic item by value and by forwarding reference") {
        CHECK(listed(urls | map_stage(with_state(make, [](Connection& c, auto u) { return c.get(u); }))) == expected);
        CHECK(listed(urls | map_stage(with_state(make, [](Connection& c, auto&& u) { return c.get(u); }))) == expected);
    }
    SECTION("all generic") {
        CHECK(listed(urls | map_stage(with_state(make, [](auto& c, const auto& u) { return c.get(u); }))) == expected);
        CHECK(listed(urls | map_stage({.retry = Retry{}}, with_state(make, [](auto& c, auto u) { return c.get(u); }))) ==
              expected);
    }
    SECTION("a member function of the state") {
        auto made = map_stage(with_state(make, &Connection::get));
        static_assert(std::is_base_of_v<ItemStage<Url, std::string>, decltype(made)>);
        CHECK(listed(urls | made) == expected);
    }
    SECTION("a function pointer, and a function by reference") {
        std::string (*const get)(Connection&, const Url&) = [](Connection& c, const Url& u) { return c.get(u); };
        CHECK(listed(urls | map_stage(with_state(make, get))) == expected);
        int calls = 0;
        auto counting = [&calls](Connection& c, const Url& u) {
            ++calls;
            return c.get(u);
        };
        CHECK(listed(urls | map_stage(with_state(make, std::ref(counting)))) == expected);
        CHECK(calls == 2);
    }
    SECTION("a view, which gets the item type from the left") {
        const auto size = [](Connection& c, std::string_view text) { return text.size() + static_cast<std::size_t>(c.port); };
        CHECK(listed(std::vector<std::string>{"abc"} | map_stage(with_state(make, size))) == std::vector<std::size_t>{83});
    }
    SECTION("a move-only item as an rvalue") {
        const auto take_it = [](Connection& c, std::unique_ptr<int> x) { return c.port + *x; };
        auto pointers = std::views::iota(0, 3) | map_stage([](int x) { return std::make_unique<int>(x); });
        CHECK(listed(pointers | map_stage(with_state(make, take_it))) == std::vector{80, 81, 82});
        CHECK_THROWS_AS(map_stage({.retry = Retry{}}, with_state(make, take_it)), std::invalid_argument);
    }
    SECTION("arguments after the item, bound by a call") {
        const auto add = [](Connection& c, int x, int n, const std::string& text) {
            return c.port + x * n + static_cast<int>(text.size());
        };
        const auto made = map_stage({.workers = 2}, with_state(make, add));
        CHECK(sorted(std::vector{1, 2} | made(10, "abc")) == std::vector{93, 103});
        const auto generic = [](Connection& c, const auto& x, int n) { return c.port + x * n; };
        CHECK(listed(std::vector{1, 2} | map_stage(with_state(make, generic))(7)) == std::vector{87, 94});
    }
    SECTION("kept as a Stage, and copied") {
        Stage<Url, std::string> kept = map_stage(with_state(make, &Connection::get));
        const auto copy = kept;
        CHECK(listed(urls | copy) == expected);
    }
}

TEST_CASE("the state lives on through retry, skip and dead letters", "[with_state]") {
    Log log;
    const auto fail_odd_calls = [](Client& c, int x) {
        c.get(x);
        if (c.calls() % 2 == 1) throw std::runtime_error("odd call");
        return c.calls();
    };
    const auto with_client = with_state(connect_to(log), fail_odd_calls);
    SECTION("retry") {
        CHECK(listed(up_to(3) | map_stage({.retry = Retry{.times = 1, .backoff = 0ms}}, with_client)) ==
              std::vector{2, 4, 6});
    }
    SECTION("skip") {
        CHECK(listed(up_to(6) | map_stage({.on_error = OnError::skip}, with_client)) == std::vector{2, 4, 6});
    }
    SECTION("a dead-letter handler") {
        std::vector<int> dead;
        auto stage = map_stage(with_client).dead_letter([&dead](std::exception_ptr, int& x) { dead.push_back(x); });
        CHECK(listed(up_to(6) | stage) == std::vector{2, 4, 6});
        CHECK(dead == std::vector{0, 2, 4});
    }
    SECTION("a dead-letter handler of a generic function") {
        std::vector<int> dead;
        auto generic = with_state(connect_to(log), [](Client& c, const auto& x) {
            if (x == 1) throw std::runtime_error("one");
            return c.get(x);
        });
        auto stage = map_stage(generic).dead_letter([&dead](std::exception_ptr, int& x) { dead.push_back(x); });
        CHECK(listed(up_to(3) | stage) == std::vector{1, 3});
        CHECK(dead == std::vector{1});
    }
    SECTION("an error") {
        CHECK_THROWS_AS((up_to(6) | map_stage(with_client)).execute(), TaskException);
    }
    check_ended(log, 1);
}

TEST_CASE("an exception while the state is made is one of the stage", "[with_state]") {
    std::atomic<int> attempts{0};
    const auto refuse = [&attempts]() -> Connection {
        ++attempts;
        throw std::invalid_argument("no connection");
    };
    const auto get = [](Connection& c, int x) { return c.port + x; };
    const std::string text = "The task \"fetch-0\" raised std::invalid_argument: no connection";
    SECTION("which stops the run") {
        CHECK(outcome_of(up_to(9) | map_stage({.name = "fetch"}, with_state(refuse, get))).text == text);
    }
    SECTION("whatever is set for items") {
        std::atomic<int> dead{0};
        const Setup setup{.name = "fetch", .on_error = OnError::skip, .retry = Retry{.times = 5, .backoff = 0ms}};
        auto stage = map_stage(setup, with_state(refuse, get)).dead_letter([&dead](std::exception_ptr, int&) { ++dead; });
        CHECK(outcome_of(up_to(9) | stage).text == text);
        CHECK(dead == 0);
        CHECK(outcome_of(up_to(9) | filter(setup, with_state(refuse, get))).text == text);
        CHECK(outcome_of(up_to(9) | flat_map(setup, with_state(refuse, [](Connection&, int) { return up_to(2); }))).text ==
              text);
        CHECK_THROWS_WITH((up_to(9) | for_each(setup, with_state(refuse, get))).execute(), text);
    }
    SECTION("which loses the worker with OnError::finish") {
        std::atomic<int> made{0};
        const auto refuse_first = [&made] {
            if (made++ == 0) throw std::invalid_argument("no connection");
            return Connection(80);
        };
        const auto outcome = outcome_of(
            up_to(200) | map_stage({.workers = 3, .name = "fetch", .on_error = OnError::finish}, with_state(refuse_first, get)));
        CHECK(outcome.items.size() == 200);
        CHECK(outcome.text.find("raised std::invalid_argument: no connection") != std::string::npos);
    }
    SECTION("of an ordered stage") {
        CHECK(outcome_of(up_to(9) | map_stage({.workers = 2, .ordered = true, .name = "fetch"}, with_state(refuse, get)))
                  .text.find("no connection") != std::string::npos);
    }
    SECTION("without threads") {
        CHECK(outcome_of((up_to(9) | map_stage({.name = "fetch"}, with_state(refuse, get))).results(inline_run)).text == text);
    }
    SECTION("inside a fused stage") {
        const auto plus = [](int x) { return x + 1; };
        const auto fetch = map_stage({.name = "fetch"}, with_state(refuse, get));
        CHECK(outcome_of(up_to(9) | fuse(map_stage(plus) | fetch)).text == text);
        CHECK(outcome_of(fuse(up_to(9) | fetch | map_stage(plus))).text == text);
        CHECK(outcome_of(fuse(up_to(9) | map_stage(plus) | fetch)).text == text);
        CHECK(outcome_of(up_to(9) | fuse(map_stage(plus) | batch(2) | unbatch() | fetch)).text == text);
    }
}

TEST_CASE("a fused stage and a run without threads have their states, too", "[with_state]") {
    Log log;
    const auto get = with_state(connect_to(log), [](Client& c, int x) { return c.get(x); });
    const auto plus = [](int x) { return x + 1; };
    SECTION("compiled as one function") {
        CHECK(sorted(up_to(50) | fuse({.workers = 3}, map_stage(get) | map_stage(plus) | map_stage(get))).front() == 3);
        check_ended(log, 6);
    }
    SECTION("after a range") {
        CHECK(sorted(fuse({.workers = 2}, up_to(50) | map_stage(get) | map_stage(get))).size() == 50);
        check_ended(log, 4);
    }
    SECTION("pulled") {
        CHECK(sorted(up_to(50) | fuse({.workers = 2}, map_stage(get) | batch(3) | unbatch() | map_stage(get))).size() == 50);
        check_ended(log, 4);
    }
    SECTION("without threads") {
        const auto pipe = up_to(10) | map_stage({.workers = 2}, get) | filter(with_state(connect_to(log), [](Client&, int) {
                              return true;
                          }));
        CHECK(pipe.collect(inline_run).size() == 10);
        CHECK(log.alive == 0);
        CHECK(log.misplaced == 0);
    }
}

TEST_CASE("a state asks for the worker's name and index as long as it lives, also in a fused stage", "[with_state]") {
    struct Named {
        std::string name{this_worker::stage_name()};
        std::atomic<int>& wrong;
        explicit Named(std::atomic<int>& to) : wrong(to) {}
        Named(const Named&) = delete;
        ~Named() {
            if (name != this_worker::stage_name()) ++wrong;
        }
    };
    std::atomic<int> wrong = 0;
    auto named = map_stage({.workers = 2}, with_state([&] { return Named(wrong); }, [](Named&, int x) { return x; }));
    auto other = Stage<int, int>(named).setup({.name = "other"});
    const std::vector<int> numbers = {1, 2, 3};
    const std::vector<Pipeline<void, int>> pipes = {
        numbers | named | other, numbers | fuse({.workers = 2}, named | named | named),
        numbers | fuse(other | named | other), fuse({.workers = 2}, numbers | named | other)};
    for (const auto& pipe : pipes) {
        CHECK(pipe.collect().size() == 3);
        CHECK(pipe.collect(inline_run).size() == 3);
    }
    CHECK(wrong == 0);
}

TEST_CASE("states die with their workers, whichever way the run ends", "[with_state]") {
    Log log;
    const auto get = with_state(connect_to(log), [](Client& c, int x) { return c.get(x); });
    const auto pipe = std::views::iota(0) | map_stage({.workers = 3}, get);
    SECTION("the consumer leaves") {
        for (int x : pipe.results())
            if (x > 0) break;
    }
    SECTION("the run is cancelled") {
        auto results = pipe.results();
        CHECK(results.begin() != results.end());
        results.cancel();
    }
    SECTION("a later stage wants no more") { CHECK(listed(pipe | take(5)).size() == 5); }
    SECTION("the run is stopped while the state is made") {
        RateLimit limit({1, 24h});
        const auto waits = with_state(
            [&log, limit] {
                limit.wait();
                return Client(log);
            },
            [](Client& c, int x) { return c.get(x); });
        const auto slow = std::views::iota(0) | map_stage({.workers = 3}, waits);
        CHECK(listed(slow | take(1)).size() == 1);
        CHECK(log.made == 1);
    }
    CHECK(log.alive == 0);
    CHECK(log.misplaced == 0);
}

TEST_CASE("keyed workers keep what belongs to their keys in the state", "[with_state]") {
    using Counts = std::vector<int>;
    const auto count = [](Counts& counts, int x) { return counts[static_cast<std::size_t>(x % 10)]++; };
    auto stage = map_stage({.workers = 3}, with_state([] { return Counts(10); }, count)).partition_by([](int x) { return x % 10; });
    const auto all = sorted(up_to(100) | stage);
    REQUIRE(all.size() == 100);
    for (std::size_t i = 0; i < 100; ++i) CHECK(all[i] == static_cast<int>(i / 10));
}

TEST_CASE("the example of with_state", "[with_state]") {
    const int port = 80;
    const std::vector<Url> urls{{"/a"}};
    using Client = Connection;
    auto fetched = map_stage({.workers = 4, .retry = Retry{.times = 2}},
                             with_state([] { return Client(port); },
                                        [](Client& client, const Url& url) { return client.get(url); }));
    CHECK(listed(urls | fetched) == std::vector<std::string>{"80/a"});
}

}  // namespace with_state_tests
