#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/listed.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Policies for items that fail: OnError::skip, dead_letter, retry.
namespace contract_policies_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Counted;
using support::listed;
using support::sorted;
using support::Tally;

namespace {

int refuse_odd(int x) {
    if (x % 2 != 0) throw std::invalid_argument("odd: " + std::to_string(x));
    return 10 * x;
}

const std::vector<int> one_to_six{1, 2, 3, 4, 5, 6};

/// The counters of the stage `name`, after all results have been read.
template <class Pipeline>
StageStatistics counters(const Pipeline& pipeline, const std::string& name) {
    auto results = pipeline.results();
    try {
        for (auto& result : results) static_cast<void>(result);
    } catch (const TaskException&) {
    }
    for (const StageStatistics& stage : results.stats().stages)
        if (stage.name == name) return stage;
    return {};
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "no std::exception";
    }
}

template <class F>
std::string message_of(F f) {
    try {
        f();
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "nothing was thrown";
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// A function that fails in its first `failures` calls.
struct Stubborn {
    std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);
    int failures;

    explicit Stubborn(int times) : failures(times) {}
    int operator()(const int& x) const {
        if ((*calls)++ < failures) throw std::runtime_error("not yet");
        return x;
    }
};

generator<int> pass_on(Input<int> items) {
    for (int x : items) co_yield x;
}

}  // namespace

// ---- skip -----------------------------------------------------------------------------------

TEST_CASE("OnError::skip drops the items that fail and counts them", "[contract][policies]") {
    auto map = map_stage({.name = "map", .on_error = OnError::skip}, refuse_odd);
    CHECK(listed(one_to_six | map) == std::vector{20, 40, 60});
    const StageStatistics counted = counters(one_to_six | map, "map");
    CHECK(counted.skipped == 3);
    CHECK(counted.failed == 3);
    CHECK(counted.retried == 0);
}

TEST_CASE("OnError::skip works with several workers", "[contract][policies]") {
    auto map = map_stage({.workers = 4, .name = "map", .on_error = OnError::skip}, refuse_odd);
    const auto all = sorted(std::views::iota(0, 1000) | map);
    REQUIRE(all.size() == 500);
    CHECK(std::accumulate(all.begin(), all.end(), 0) == 10 * 249500);
    CHECK(counters(std::views::iota(0, 1000) | map, "map").skipped == 500);
}

TEST_CASE("OnError::skip also drops items whose error is no std::exception",
          "[contract][policies]") {
    auto map = map_stage({.on_error = OnError::skip}, [](int x) {
        if (x == 2) throw x;
        return x;
    });
    CHECK(listed(std::vector{1, 2, 3} | map) == std::vector{1, 3});
}

TEST_CASE("all items may fail, and so may the first and the last", "[contract][policies]") {
    auto none = map_stage({.on_error = OnError::skip}, [](int) -> int { throw 1; });
    CHECK(listed(one_to_six | none).empty());
    CHECK_THROWS_AS((one_to_six | none).execute(), NoResultError);
    CHECK(listed(std::vector<int>{} | none).empty());
}

TEST_CASE("every ready-made stage with a function per item can skip", "[contract][policies]") {
    const Setup skip{.on_error = OnError::skip};
    CHECK(listed(one_to_six | filter(skip, [](int x) { return refuse_odd(x) > 20; })) ==
          std::vector{4, 6});
    CHECK(listed(one_to_six | tap(skip, refuse_odd)) == std::vector{2, 4, 6});
    CHECK(listed(one_to_six | flat_map(skip, [](int x) { return std::vector(2, refuse_odd(x)); })) ==
          std::vector{20, 20, 40, 40, 60, 60});
    std::atomic<int> sum = 0;
    (one_to_six | for_each(skip, [&sum](int x) { sum += refuse_odd(x); })).execute();
    CHECK(sum == 120);
}

TEST_CASE("a generic function can skip", "[contract][policies]") {
    CHECK(listed(one_to_six | map_stage({.on_error = OnError::skip},
                                        [](auto x) { return refuse_odd(x); })) ==
          std::vector{20, 40, 60});
    auto later = map_stage([](auto x) { return refuse_odd(x); });
    later.setup({.on_error = OnError::skip});
    CHECK(listed(one_to_six | later) == std::vector{20, 40, 60});
    CHECK(listed(one_to_six | filter({.on_error = OnError::skip},
                                     [](const auto& x) { return refuse_odd(x) != 0; })) ==
          std::vector{2, 4, 6});
}

TEST_CASE("the error policy stays with a stage that is copied, kept as a Stage, bound or chained",
          "[contract][policies]") {
    auto map = map_stage(refuse_odd).setup({.on_error = OnError::skip});
    const Stage<int, int> kept = map;
    CHECK(listed(one_to_six | kept) == std::vector{20, 40, 60});
    const Stage deduced = map;
    static_assert(std::is_same_v<decltype(deduced), const Stage<int, int>>);
    CHECK(listed(one_to_six | deduced) == std::vector{20, 40, 60});
    const Pipeline<int, int> chained = map;
    CHECK(listed(one_to_six | chained) == std::vector{20, 40, 60});
    CHECK(listed(one_to_six | (map | Stage(pass_on))) == std::vector{20, 40, 60});
    CHECK(listed(one_to_six | map()) == std::vector{20, 40, 60});

    auto bound = map_stage({.on_error = OnError::skip}, [](int x, int n) {
        return refuse_odd(x) + n;
    });
    CHECK(listed(one_to_six | bound(1)) == std::vector{21, 41, 61});

    Stage<int, int> set_later = map_stage(refuse_odd);
    set_later.setup({.on_error = OnError::skip});
    CHECK(listed(one_to_six | set_later) == std::vector{20, 40, 60});
}

TEST_CASE("a later setup may replace OnError::skip", "[contract][policies]") {
    auto map = map_stage({.on_error = OnError::skip}, refuse_odd);
    auto strict = map;
    strict.setup({.on_error = OnError::stop});
    CHECK_THROWS_AS((one_to_six | strict).execute(), TaskException);
    CHECK((one_to_six | map).execute() == 60);
}

TEST_CASE("an item that fails is not copied for OnError::skip", "[contract][policies]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 6; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    auto map = map_stage({.on_error = OnError::skip}, [](Counted item) {
        if (item.value % 2 != 0) throw 1;
        return item.value;
    });
    CHECK(listed(source | map) == std::vector{0, 2, 4});
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("move-only items can be skipped", "[contract][policies]") {
    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    auto read = map_stage({.on_error = OnError::skip},
                          [](std::unique_ptr<int> p) { return refuse_odd(*p); });
    CHECK(listed(one_to_six | make | read) == std::vector{20, 40, 60});
}

TEST_CASE("without a policy the error stops the run and the item counts as failed",
          "[contract][policies]") {
    const StageStatistics counted =
        counters(one_to_six | map_stage({.name = "map"}, refuse_odd), "map");
    CHECK(counted.failed == 1);
    CHECK(counted.skipped == 0);
}

TEST_CASE("skip and retry are refused for a stage function that takes an Input",
          "[contract][policies]") {
    const Setup skip{.name = "mine", .on_error = OnError::skip};
    const Setup retry{.retry = Retry{}};
    CHECK_THROWS_AS(stage(skip, pass_on), std::invalid_argument);
    CHECK_THROWS_AS(stage(retry, pass_on), std::invalid_argument);
    CHECK_THROWS_AS(stage(skip, [](auto items) { return std::move(items); }), std::invalid_argument);
    auto made = Stage(pass_on);
    CHECK_THROWS_AS(made.setup(skip), std::invalid_argument);
    CHECK_THROWS_AS(made.setup(retry), std::invalid_argument);
    CHECK_THROWS_AS(batch(skip, 2), std::invalid_argument);
    CHECK_THROWS_AS(take(retry, 2), std::invalid_argument);
    CHECK_THROWS_AS(enumerate(skip), std::invalid_argument);
    CHECK_THROWS_AS(reduce(retry, 0, std::plus<>(), std::plus<>()), std::invalid_argument);

    const std::string why = message_of([&] { made.setup(skip); });
    CHECK(contains(why, "\"mine\""));
    CHECK(contains(why, "a generator that threw cannot be resumed"));
    CHECK(contains(why, "write map_stage"));
}

// ---- dead_letter ----------------------------------------------------------------------------

TEST_CASE("dead_letter gets the error and the failed item, and the run continues",
          "[contract][policies]") {
    std::vector<std::string> dead;  // one worker: no lock
    auto map = map_stage({.name = "map"}, refuse_odd)
                   .dead_letter([&dead](std::exception_ptr error, int& item) {
                       dead.push_back(std::to_string(item) + " " + text_of(error));
                   });
    static_assert(std::is_base_of_v<Stage<int, int>, decltype(map)>);
    CHECK(listed(one_to_six | map) == std::vector{20, 40, 60});
    CHECK(dead == std::vector<std::string>{"1 odd: 1", "3 odd: 3", "5 odd: 5"});

    const StageStatistics counted = counters(one_to_six | map, "map");
    CHECK(counted.skipped == 3);
    CHECK(counted.failed == 3);

    dead.clear();
    auto throws_number = map_stage([](int x) -> int { throw x; });
    CHECK(listed(std::vector{7} | throws_number.dead_letter(
                                      [&dead](std::exception_ptr error, int& item) {
                                          dead.push_back(std::to_string(item) + " " + text_of(error));
                                      })).empty());
    CHECK(dead == std::vector<std::string>{"7 no std::exception"});
}

TEST_CASE("every ready-made stage with a function per item has dead_letter", "[contract][policies]") {
    int dead = 0;
    const auto add = [&dead](std::exception_ptr, const int& item) { dead += item; };
    CHECK(listed(one_to_six | filter(refuse_odd).dead_letter(add)) == std::vector{2, 4, 6});
    CHECK(dead == 9);
    CHECK(listed(one_to_six | tap(refuse_odd).dead_letter(add)) == std::vector{2, 4, 6});
    CHECK(dead == 18);
    CHECK(listed(one_to_six | flat_map([](int x) {
                     return std::vector{refuse_odd(x)};
                 }).dead_letter(add)) == std::vector{20, 40, 60});
    CHECK(dead == 27);
    (one_to_six | for_each(refuse_odd).dead_letter(add)).execute();
    CHECK(dead == 36);
}

TEST_CASE("dead_letter works on a generic stage and on one that lacks arguments",
          "[contract][policies]") {
    int dead = 0;
    const auto add = [&dead](std::exception_ptr, auto& item) { dead += item; };
    auto generic = map_stage([](auto x) { return refuse_odd(x); }).dead_letter(add);
    CHECK(listed(one_to_six | generic) == std::vector{20, 40, 60});
    CHECK(dead == 9);
    generic.setup({.workers = 1, .name = "generic"});
    CHECK(to_string(one_to_six | generic) == "source | generic(x1)");

    auto unbound = map_stage([](int x, int n) { return refuse_odd(x) + n; }).dead_letter(add);
    CHECK(listed(one_to_six | unbound(1)) == std::vector{21, 41, 61});
    CHECK(dead == 18);

    // A later handler replaces an earlier one.
    auto replaced = generic.dead_letter([](std::exception_ptr, int&) {});
    CHECK(listed(one_to_six | replaced) == std::vector{20, 40, 60});
    CHECK(dead == 18);
}

TEST_CASE("dead_letter and partition_by combine in either order, also before the item type is known",
          "[contract][policies]") {
    const auto odd = [](auto x, int limit) {
        if (x % 2 == 0 && x < limit) throw std::runtime_error("even");
        return x;
    };
    std::atomic<int> dead{0};
    const auto bury = [&](std::exception_ptr, int&) { ++dead; };
    const auto key = [](int x) { return x % 3; };
    const auto other_key = [](int) { return 0; };
    const auto check = [&](auto stage) {
        dead = 0;
        int sum = 0;
        for (int x : (std::views::iota(1, 9) | stage).results()) sum += x;
        CHECK(sum == 24);
        CHECK(dead == 3);
    };
    const auto generic = map_stage({.workers = 2}, odd);
    check(generic.dead_letter(bury).partition_by(key)(7));
    check(generic.partition_by(key).dead_letter(bury)(7));
    check(generic.partition_by(key).partition_by(other_key).dead_letter(bury)(7));
    const auto typed = map_stage({.workers = 2}, [odd](int x, int limit) { return odd(x, limit); });
    check(typed.partition_by(key).dead_letter(bury)(7));
    check(typed(7).partition_by(key).dead_letter(bury));
}

TEST_CASE("dead_letter chains with setup, on lvalues and rvalues, and changes no other copy",
          "[contract][policies]") {
    int dead = 0;
    const auto count = [&dead](std::exception_ptr, int&) { ++dead; };
    auto map = map_stage(refuse_odd);
    const auto before = map;
    auto& same = map.setup({.name = "a"}).dead_letter(count).setup({.qsize = 3});
    CHECK(&same == &map);
    CHECK(listed(one_to_six | map) == std::vector{20, 40, 60});
    CHECK(to_string(map) == "a(x1)");
    CHECK(dead == 3);
    CHECK_THROWS_AS((one_to_six | before).execute(), TaskException);

    const auto chained = map_stage(refuse_odd).dead_letter(count).setup({.workers = 1});
    static_assert(std::is_base_of_v<ItemStage<int, int>, decltype(chained)>);
    CHECK((one_to_six | chained).execute() == 60);
    const Stage<int, int> kept = chained;
    CHECK((one_to_six | kept).execute() == 60);
    CHECK(dead == 9);
}

TEST_CASE("dead_letter takes precedence over on_error", "[contract][policies]") {
    int dead = 0;
    const auto count = [&dead](std::exception_ptr, int&) { ++dead; };
    auto map = map_stage({.on_error = OnError::skip}, refuse_odd).dead_letter(count);
    CHECK(listed(one_to_six | map).size() == 3);
    CHECK(dead == 3);
    map.setup({.on_error = OnError::stop});
    CHECK(listed(one_to_six | map).size() == 3);
    CHECK(dead == 6);
}

TEST_CASE("an exception of the dead-letter handler stops the run under OnError::finish too",
          "[contract][policies]") {
    const bool fused = GENERATE(false, true);
    auto fragile = map_stage({.name = "fragile", .on_error = OnError::finish}, [](int x) {
                       if (x == 3) throw 1;
                       return x;
                   }).dead_letter([](std::exception_ptr, int&) { throw std::length_error("full"); });
    auto endless = std::views::iota(0);
    const auto all = fused ? endless | fuse({.on_error = OnError::finish}, Pipeline(fragile))
                           : endless | fragile;
    CHECK_THROWS_WITH(all.execute(), "The task \"fragile-0\" raised std::length_error: full");
}

TEST_CASE("an exception of the dead-letter handler stops the run", "[contract][policies]") {
    auto map = map_stage({.name = "map"}, refuse_odd)
                   .dead_letter([](std::exception_ptr, int&) { throw std::length_error("full"); });
    const auto pipeline = std::views::iota(1) | map;  // endless
    try {
        pipeline.execute();
        FAIL("no exception");
    } catch (const TaskException& e) {
        CHECK(e.task() == "map-0");
        CHECK_THROWS_AS(e.rethrow_cause(), std::length_error);
        CHECK(e.errors().size() == 1);
    }
}

TEST_CASE("each worker has its own copy of the dead-letter handler", "[contract][policies]") {
    std::mutex mutex;
    std::vector<int> counts;
    struct Handler {
        std::mutex* mutex;
        std::vector<int>* counts;
        int own = 0;
        void operator()(std::exception_ptr, int&) {
            ++own;  // a race if two workers shared it
            const std::lock_guard lock(*mutex);
            counts->push_back(own);
        }
    };
    auto map = map_stage({.workers = 4}, refuse_odd).dead_letter(Handler{&mutex, &counts});
    CHECK(listed(std::views::iota(0, 400) | map).size() == 200);
    CHECK(counts.size() == 200);
    counts.clear();
    map.setup({.workers = 1});
    CHECK(listed(std::views::iota(0, 4) | map).size() == 2);
    CHECK(counts == std::vector{1, 2});  // each run has new copies
}

TEST_CASE("the dead-letter handler gets an unchanged item although the function takes it by value",
          "[contract][policies]") {
    std::vector<std::string> dead;
    const auto keep = [&dead](std::exception_ptr, std::string& item) {
        dead.push_back(std::move(item));
    };
    const std::string longer = "a text that is too long for the small string ";
    const std::vector<std::string> texts{longer + "1", longer + "2"};
    const auto lose = [](std::string text) -> std::size_t {
        const std::string gone = std::move(text);
        throw std::runtime_error("lost");
    };
    CHECK(listed(texts | map_stage(lose).dead_letter(keep)).empty());
    CHECK(dead == texts);
    dead.clear();
    auto by_rvalue = map_stage([&](std::string&& text) { return lose(std::move(text)); });
    CHECK(listed(texts | by_rvalue.dead_letter(keep)).empty());
    CHECK(dead == texts);
    dead.clear();
    auto by_auto = map_stage([&](auto text) { return lose(std::move(text)); });
    CHECK(listed(texts | by_auto.dead_letter(keep)).empty());
    CHECK(dead == texts);
    dead.clear();
    auto by_forwarding = map_stage([&](auto&& text) {
        static_assert(!std::is_lvalue_reference_v<decltype(text)>);
        return lose(std::forward<decltype(text)>(text));
    });
    CHECK(listed(texts | by_forwarding.dead_letter(keep)).empty());
    CHECK(dead == texts);
}

TEST_CASE("an item is not copied for the handler when the function takes it by reference",
          "[contract][policies]") {
    Tally tally;
    const Stage source([](Tally& t) -> generator<Counted> {
        for (int i = 0; i < 4; ++i) co_yield Counted(t, i);
    }, std::ref(tally));
    const auto ignore = [](std::exception_ptr, Counted&) {};
    auto by_const = map_stage([](const Counted& item) { return refuse_odd(item.value); });
    CHECK(listed(source | by_const.dead_letter(ignore)) == std::vector{0, 20});
    CHECK(tally.copies == 0);
    auto generic = map_stage([](const auto& item) { return refuse_odd(item.value); });
    CHECK(listed(source | generic.dead_letter(ignore)) == std::vector{0, 20});
    CHECK(tally.copies == 0);
    auto by_value = map_stage([](Counted item) { return refuse_odd(item.value); });
    CHECK(listed(source | by_value.dead_letter(ignore)) == std::vector{0, 20});
    CHECK(tally.copies == 4);
    CHECK(tally.alive == 0);
}

TEST_CASE("an empty dead-letter handler is refused", "[contract][policies]") {
    auto map = map_stage({.name = "map"}, refuse_odd);
    CHECK_THROWS_AS(map.dead_letter(std::function<void(std::exception_ptr, int&)>()),
                    std::invalid_argument);
    CHECK_THROWS_AS((one_to_six | map).execute(), TaskException);
}

// ---- retry ----------------------------------------------------------------------------------

TEST_CASE("retry tries an item again until it succeeds", "[contract][policies]") {
    Stubborn twice(2);
    auto map = map_stage({.name = "map", .retry = Retry{.times = 3, .backoff = 1us}}, twice);
    auto results = (std::vector{7, 8} | map).results();
    std::vector<int> all;
    for (int x : results) all.push_back(x);
    CHECK(all == std::vector{7, 8});
    CHECK(*twice.calls == 4);
    CHECK(results.stats().stages.at(1).retried == 2);
    CHECK(results.stats().stages.at(1).failed == 0);
    CHECK(results.stats().stages.at(1).skipped == 0);
}

TEST_CASE("retry gives up after its number of attempts, and then on_error applies",
          "[contract][policies]") {
    Stubborn always(1000);
    auto map = map_stage({.name = "map", .retry = Retry{.times = 3, .backoff = 1us}}, always);
    SECTION("stop") {
        const StageStatistics counted = counters(std::vector{7} | map, "map");
        CHECK(*always.calls == 4);
        CHECK(counted.retried == 3);
        CHECK(counted.failed == 1);
        CHECK(counted.skipped == 0);
        CHECK_THROWS_AS((std::vector{7} | map).execute(), TaskException);
    }
    SECTION("skip") {
        map.setup({.on_error = OnError::skip});
        CHECK(listed(std::vector{7} | map).empty());
        CHECK(*always.calls == 4);
        const StageStatistics counted = counters(std::vector{7, 8} | map, "map");
        CHECK(counted.retried == 6);
        CHECK(counted.failed == 2);
        CHECK(counted.skipped == 2);
    }
    SECTION("dead_letter gets it once") {
        int dead = 0;
        map.dead_letter([&dead](std::exception_ptr, int& item) { dead += item; });
        CHECK(listed(std::vector{7} | map).empty());
        CHECK(*always.calls == 4);
        CHECK(dead == 7);
    }
}

TEST_CASE("a stage with retry calls its function once for items that succeed", "[contract][policies]") {
    std::atomic<int> calls = 0;
    auto map = map_stage({.workers = 3, .retry = Retry{.times = 5, .backoff = 1us}},
                         [&calls](int x) {
                             if (++calls % 10 == 0) throw 1;
                             return x;
                         });
    const auto all = sorted(std::views::iota(0, 500) | map);
    REQUIRE(all.size() == 500);
    for (int i = 0; i < 500; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("every ready-made stage with a function per item can retry", "[contract][policies]") {
    const Setup again{.retry = Retry{.times = 2, .backoff = 1us}};
    CHECK(listed(std::vector{7} | filter(again, Stubborn(2))) == std::vector{7});
    CHECK(listed(std::vector{7} | tap(again, Stubborn(2))) == std::vector{7});
    Stubborn twice(2);
    (std::vector{7} | for_each(again, twice)).execute();
    CHECK(*twice.calls == 3);
    CHECK(listed(std::vector{7} | flat_map(again, [f = Stubborn(2)](int x) {
                     return std::vector{f(x), f(x)};
                 })) == std::vector{7, 7});
    CHECK(listed(std::vector{7} | map_stage(again, [f = Stubborn(2)](auto x) { return f(x); })) ==
          std::vector{7});
}

TEST_CASE("a retried item is unchanged although the function takes it by value",
          "[contract][policies]") {
    const std::string text = "a text that is too long for the small string";
    std::atomic<int> calls = 0;
    const auto fail_once = [&calls](std::string item) {
        std::string mine = std::move(item);
        if (++calls % 2 == 1) throw std::runtime_error("first attempt");
        return mine;
    };
    const Setup again{.retry = Retry{.times = 1, .backoff = 1us}};
    CHECK((std::vector{text} | map_stage(again, fail_once)).execute() == text);
    CHECK((std::vector{text} | map_stage(again, [&](std::string&& item) {
               return fail_once(std::move(item));
           })).execute() == text);
    CHECK((std::vector{text} | map_stage(again, [&](auto&& item) {
               return fail_once(std::forward<decltype(item)>(item));
           })).execute() == text);
    CHECK((std::vector{text} | flat_map(again, [&](std::string item) {
               return std::vector{fail_once(std::move(item))};
           })).execute() == text);
}

TEST_CASE("retry and dead_letter are refused if an item cannot be kept unchanged",
          "[contract][policies]") {
    const auto consume = [](std::unique_ptr<int> p) { return *p; };
    const Setup again{.name = "eat", .retry = Retry{}};
    CHECK_THROWS_AS(map_stage(again, consume), std::invalid_argument);
    auto map = map_stage(consume);
    CHECK_THROWS_AS(map.setup(again), std::invalid_argument);
    CHECK_THROWS_AS(map.dead_letter([](std::exception_ptr, std::unique_ptr<int>&) {}),
                    std::invalid_argument);
    CHECK_NOTHROW(map.setup({.retry = Retry{.times = 0}}));
    const std::string why = message_of([&] { static_cast<void>(map_stage(again, consume)); });
    CHECK(contains(why, "\"eat\""));
    CHECK(contains(why, "take it by reference"));

    auto make = map_stage([](int x) { return std::make_unique<int>(x); });
    auto generic = map_stage(again, [](auto p) { return *p; });
    CHECK_THROWS_AS(std::vector{1} | make | generic, std::invalid_argument);

    // A vector of move-only elements claims to be copyable, but is not.
    auto batches = map_stage([](std::vector<std::unique_ptr<int>> all) { return all.size(); });
    CHECK_THROWS_AS(batches.setup(again), std::invalid_argument);
    CHECK((std::vector{1, 2} | make | batch(2) | batches).execute() == 2);
    CHECK_THROWS_AS(std::vector{1} | make | batch(2) | unbatch(again), std::invalid_argument);

    // By reference it works.
    Stubborn twice(2);
    auto look = map_stage(again, [&twice](const std::unique_ptr<int>& p) { return twice(*p); })
                    .setup({.retry = Retry{.backoff = 1us}});
    CHECK(listed(std::vector{7} | make | look) == std::vector{7});
}

struct Document {
    std::string title;
    const std::string& get() const { return title; }
};
struct Overloaded {
    const std::string& operator()(const Document& d) const { return d.title; }
    const std::string& operator()(const std::string& s) const { return s; }
};

TEST_CASE("a function of a stage with retry may return a reference into its item",
          "[contract][policies]") {
    const std::string text = "a title that is far too long for the small string buffer";
    const std::vector documents = {Document{text}};
    const Setup again{.retry = Retry{}};
    const auto title_of = [&](auto stage) { return (documents | stage).execute(); };
    CHECK(title_of(map_stage(again, std::mem_fn(&Document::get))) == text);
    CHECK(title_of(map_stage(again, &Document::title)) == text);
    CHECK(title_of(map_stage(again, Overloaded())) == text);
    CHECK(title_of(map_stage(Overloaded()).dead_letter([](std::exception_ptr, Document&) {})) == text);
    CHECK(title_of(map_stage(again, [](auto&& d) -> auto& { return d.title; })) == text);
    const auto generic = [](const auto& d) -> auto& { return d.title; };
    CHECK(title_of(map_stage(again, std::ref(generic))) == text);
    CHECK(title_of(map_stage(again, [](const Document& d, const Document&) -> const std::string& {
                       return d.title;
                   })(Document{})) == text);
    CHECK(title_of(flat_map(again, [](auto&& d) {
              return std::views::single(0) |
                     std::views::transform([&d](int) -> const std::string& { return d.title; });
          })) == text);
}

TEST_CASE("an item taken by reference is not copied for another attempt", "[contract][policies]") {
    struct Moving {
        std::unique_ptr<int> value;
        int number() const { return *value; }
    };
    const auto make = map_stage([](int x) { return Moving{std::make_unique<int>(x)}; });
    const Setup again{.retry = Retry{}};
    const std::vector numbers = {7};
    struct Both {
        int operator()(const Moving& m) const { return m.number(); }
        int operator()(int x) const { return x; }
    };
    CHECK((numbers | make | map_stage(again, Both())).execute() == 7);
    const auto generic = [](const auto& m) { return m.number(); };
    CHECK((numbers | make | map_stage(again, std::ref(generic))).execute() == 7);
    const auto with_argument = [](const auto& m, auto more) { return m.number() + more; };
    CHECK((numbers | make | map_stage(again, with_argument)(1)).execute() == 8);
}

TEST_CASE("the waits before the attempts grow", "[contract][policies]") {
    // At least 20 + 40 + 80 ms; with jitter at most half as much again.
    auto map = map_stage({.retry = Retry{.times = 3, .backoff = 20ms}}, Stubborn(3));
    const auto begin = std::chrono::steady_clock::now();
    CHECK((std::vector{7} | map).execute() == 7);
    const auto spent = std::chrono::steady_clock::now() - begin;
    CHECK(spent >= 140ms);
    CHECK(spent < support::longest_wait);
}

TEST_CASE("the waits before attempts are random, so workers do not retry at the same time",
          "[contract][policies]") {
    using clock = std::chrono::steady_clock;
    std::vector<clock::time_point> calls;  // one worker: no lock
    auto fail_once = map_stage({.retry = Retry{.times = 1, .backoff = 4ms}}, [&calls](int x) {
        calls.push_back(clock::now());
        if (calls.size() % 2 == 1) throw 1;
        return x;
    });
    CHECK((std::views::iota(0, 24) | fail_once).execute() == 23);
    REQUIRE(calls.size() == 48);
    // Each wait is uniform between 4 and 6 ms: four of five are 4.4 ms or longer.
    int longer = 0;
    for (std::size_t i = 0; i < calls.size(); i += 2) {
        CHECK(calls[i + 1] - calls[i] >= 4ms);
        longer += calls[i + 1] - calls[i] > 4400us;
    }
    CHECK(longer >= 6);
}

TEST_CASE("OnError::finish applies after the last retry and loses the worker",
          "[contract][policies]") {
    Stubborn always(1000);
    auto map = map_stage({.on_error = OnError::finish, .retry = Retry{.times = 3, .backoff = 1us}},
                         [&always](int x) { return x == 2 ? always(x) : x; });
    std::vector<int> seen;
    auto results = (std::vector{0, 1, 2, 3} | map).results();
    CHECK_THROWS_AS([&] { for (int x : results) seen.push_back(x); }(), TaskException);
    CHECK(seen == std::vector{0, 1});
    CHECK(*always.calls == 4);
}

TEST_CASE("a back-off of zero or less does not wait", "[contract][policies]") {
    const auto times = [](std::chrono::nanoseconds backoff) {
        return map_stage({.retry = Retry{.times = 100, .backoff = backoff}}, Stubborn(100));
    };
    CHECK((std::vector{7} | times(0ns)).execute() == 7);
    CHECK((std::vector{7} | times(-1h)).execute() == 7);
}

TEST_CASE("a long back-off ends at once when the run stops", "[contract][policies]") {
    std::binary_semaphore has_failed(0);
    auto map = map_stage({.name = "map", .retry = Retry{.times = 100, .backoff = 24h}},
                         [&has_failed](int x) {
                             if (x == 1) {
                                 has_failed.release();
                                 throw 1;
                             }
                             return x;
                         });
    const auto begin = std::chrono::steady_clock::now();
    SECTION("by cancel") {
        auto results = (std::vector{1} | map).results();
        has_failed.acquire();
        support::give_it_a_chance();
        results.cancel();
        CHECK_THROWS_AS(results.begin() == results.end(), CancelledError);
    }
    SECTION("by a stop_token") {
        std::stop_source stop;
        std::jthread stopper([&] {
            has_failed.acquire();
            support::give_it_a_chance();
            stop.request_stop();
        });
        CHECK_THROWS_AS((std::vector{1} | map).execute(stop.get_token()), CancelledError);
    }
    SECTION("by leaving the loop") {
        auto results = (std::vector{0, 1} | map).results();
        CHECK(*results.begin() == 0);
        has_failed.acquire();
    }
    SECTION("by an error elsewhere, which is then the only one") {
        auto fails = map_stage({.name = "fails"}, [&has_failed](int x) {
            has_failed.acquire();
            if (x == 0) throw std::runtime_error("elsewhere");
            return x;
        });
        try {
            (std::vector{0, 1} | map | fails).execute();
            FAIL("no exception");
        } catch (const TaskException& e) {
            CHECK(e.task() == "fails-0");
            CHECK(e.errors().size() == 1);
        }
    }
    SECTION("by a later stage that returns early") {
        auto one = stage([&has_failed](Input<int> items) -> generator<int> {
            for (int x : items) {
                co_yield x;
                has_failed.acquire();
                co_return;
            }
        });
        CHECK(listed(std::vector{0, 1} | map | one) == std::vector{0});
    }
    CHECK(std::chrono::steady_clock::now() - begin < support::longest_wait);
}

TEST_CASE("an item in a back-off counts as neither failed nor skipped when the run stops",
          "[contract][policies]") {
    std::binary_semaphore has_failed(0);
    auto map = map_stage({.name = "map", .on_error = OnError::skip,
                          .retry = Retry{.times = 1, .backoff = 24h}},
                         [&has_failed](int) -> int {
                             has_failed.release();
                             throw 1;
                         });
    auto results = (std::vector{1} | map).results();
    has_failed.acquire();
    results.cancel();
    const StageStatistics counted = results.stats().stages.at(1);
    CHECK(counted.failed == 0);
    CHECK(counted.skipped == 0);
    CHECK(counted.retried == 0);
}

TEST_CASE("a stop unwinds a stage that skips: it is not an error of the item",
          "[contract][policies]") {
    // The function reads the results of a nested run; skip must not swallow the stop.
    auto map = map_stage({.name = "map", .on_error = OnError::skip}, [](int x) {
        if (x == 3) throw 1;
        return x;
    });
    int seen = 0;
    for (int x : (std::views::iota(0) | map).results())
        if (++seen, x == 1000) break;
    CHECK(seen == 1000);
}

TEST_CASE("flat_map with a policy yields nothing of a range that fails halfway",
          "[contract][policies]") {
    const auto half = [](int x) -> generator<int> {
        co_yield x;
        if (x == 2) throw std::runtime_error("half way");
        co_yield x;
    };
    CHECK(listed(std::vector{1, 2, 3} | flat_map({.on_error = OnError::skip}, half)) ==
          std::vector{1, 1, 3, 3});
    // Without a policy flat_map yields each element at once.
    auto results = (std::vector{1, 2, 3} | flat_map({.name = "f"}, half)).results();
    std::vector<int> seen;
    CHECK_THROWS_AS([&] { for (int x : results) seen.push_back(x); }(), TaskException);
    CHECK(seen == std::vector{1, 1, 2});
    CHECK(results.stats().stages.at(1).failed == 1);
}

TEST_CASE("policies of several stages add up", "[contract][policies]") {
    auto pipeline = std::views::iota(0, 60) |
                    map_stage({.workers = 2, .name = "a", .on_error = OnError::skip},
                              [](int x) {
                                  if (x % 3 == 0) throw 1;
                                  return x;
                              }) |
                    filter({.workers = 2, .name = "b", .on_error = OnError::skip}, [](int x) {
                        if (x % 5 == 0) throw 1;
                        return true;
                    });
    auto results = pipeline.results();
    std::size_t count = 0;
    for (int x : results) {
        static_cast<void>(x);
        ++count;
    }
    CHECK(count == 32);
    CHECK(results.stats().stages.at(1).skipped == 20);
    CHECK(results.stats().stages.at(2).skipped == 8);
}

}  // namespace contract_policies_tests
