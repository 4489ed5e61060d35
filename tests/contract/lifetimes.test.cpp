#include <parallelpipe.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/process.hpp"
#include "support/thread_limit.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

// Lifetimes of items, callables, arguments and threads: no leak however a run ends, the number of copies and moves, all
// kinds of item types, and runs that fail to start.
namespace contract_lifetimes_tests {

using namespace parallelpipe;
using support::comes_true;
using support::Counted;
using support::Tally;

namespace {

auto forward_counted(std::size_t workers, std::size_t qsize) {
    return stage({.workers = workers, .qsize = qsize},
                 [](Input<Counted> items) -> generator<Counted> {
                     for (Counted& c : items) co_yield std::move(c);
                 });
}

/// An item with unusual operators that generic code might use by mistake.
struct Odd {
    explicit Odd(int n) : value(n) {}
    Odd(Odd&& other) noexcept : value(std::exchange(other.value, -1)) {}
    Odd& operator=(Odd&&) = delete;
    Odd* operator&() { return nullptr; }
    const Odd* operator&() const { return nullptr; }
    template <class T>
    void operator,(T&&) const = delete;
    std::string operator==(const Odd&) const = delete;
    explicit operator bool() const = delete;
    ~Odd() = default;

    int value;
};

/// An over-aligned item that counts objects at misaligned addresses.
template <std::size_t Alignment>
struct alignas(Alignment) Aligned {
    int value;

    explicit Aligned(int n) : value(n) { look(); }
    Aligned(const Aligned& other) : value(other.value) { look(); }
    Aligned& operator=(const Aligned&) = delete;

    void look() const {
        const Aligned* volatile self = this;  // volatile: the compiler would assume the alignment
        if (reinterpret_cast<std::uintptr_t>(self) % Alignment != 0) ++misplaced;
    }

    static inline std::atomic<int> misplaced{0};
};

/// Runs a pipeline of three stages of Ts. Returns: the sum of the values of the results.
template <class T>
long sum_through(std::size_t workers, std::size_t qsize, int count) {
    const Setup settings{.workers = workers, .qsize = qsize};
    auto source = stage({.qsize = qsize}, [count]() -> generator<T> {
        for (int i = 0; i < count; ++i) co_yield T(i);
    });
    auto step = stage(settings, [](Input<T> items) -> generator<T> {
        for (T& item : items) co_yield std::move(item);
    });
    long sum = 0;
    for (T& item : (source | step | step).results()) sum += item.value;
    return sum;
}

}  // namespace

// ---- no leaks ----------------------------------------------------------------------------------

TEST_CASE("no item, frame, callable or thread outlives a run, whichever way it ends",
          "[contract][lifetimes]") {
    const std::string ending = GENERATE("normal", "break", "error", "cancel", "token", "unread",
                                        "early return", "execute");
    const std::size_t workers = GENERATE(1U, 3U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    INFO(ending << ", workers " << workers << ", qsize " << qsize);
    Tally items;
    Tally callables;
    std::atomic<int> frames{0};
    struct Frame {
        std::atomic<int>& frames;
        explicit Frame(std::atomic<int>& f) : frames(f) { ++frames; }
        Frame(const Frame&) = delete;
        Frame& operator=(const Frame&) = delete;
        ~Frame() { --frames; }
    };
    const std::size_t threads = support::threads_at_rest();
    {
        const bool endless = ending != "normal" && ending != "execute";
        const Setup settings{.workers = workers, .qsize = qsize};
        auto source =
            stage(settings, [&, endless, owned = Counted(callables, 0)]() -> generator<Counted> {
                const Frame frame(frames);
                for (int i = 0; endless || i < 300; ++i) co_yield Counted(items, i);
            });
        auto step = Stage<Counted, Counted>(
                        [&](Input<Counted> in, const Counted&) -> generator<Counted> {
                            const Frame frame(frames);
                            for (Counted& c : in) {
                                if (ending == "error" && c.value == 200) throw 1;
                                if (ending == "early return" && c.value >= 200) co_return;
                                co_yield std::move(c);
                            }
                        },
                        Counted(callables, 1))
                        .setup(settings);
        const auto pipe = source | step | step;
        const long at_rest = callables.alive;
        for (int round = 0; round < 2; ++round) {
            std::stop_source stop;
            try {
                if (ending == "execute") {
                    pipe.execute();
                } else {
                    auto results = pipe.results(stop.get_token());
                    int count = 0;
                    if (ending != "unread")
                        for ([[maybe_unused]] Counted& c : results) {
                            if (++count != 100) continue;
                            if (ending == "break") break;
                            if (ending == "cancel") results.cancel();
                            if (ending == "token") stop.request_stop();
                        }
                }
            } catch (const TaskException&) {
            } catch (const CancelledError&) {
            }
            CHECK(items.alive == 0);
            CHECK(frames == 0);
            CHECK(callables.alive == at_rest);
            CHECK(comes_true([&] { return support::thread_count() <= threads; }));
        }
    }
    CHECK(callables.alive == 0);
    CHECK(items.copies == 0);
}

TEST_CASE("the worker's copies live until its coroutine is destroyed", "[contract][lifetimes]") {
    std::atomic<bool> outlived{true};
    struct Alive {
        std::shared_ptr<int> life = std::make_shared<int>(1);
        ~Alive() { *life = 0; }  // shows through the pointer that a copy was destroyed
        Alive() = default;
        Alive(const Alive&) : life(std::make_shared<int>(1)) {}
        Alive& operator=(const Alive&) = delete;
    };
    struct Looks {
        std::shared_ptr<int> first, second;
        std::atomic<bool>& outlived;
        ~Looks() {
            if (*first != 1 || *second != 1) outlived = false;
        }
    };
    auto work =
        Stage<int, int>(
            [own = Alive(), &outlived](Input<int> items, const Alive& bound) -> generator<int> {
                const Looks looks{own.life, bound.life, outlived};
                for (int x : items) co_yield x;
            },
            Alive())
            .setup({.workers = 2});
    const auto pipe = std::views::iota(0, 100) | work;
    CHECK(pipe.execute() >= 0);
    for ([[maybe_unused]] int x : pipe.results()) break;
    CHECK(outlived);
}

TEST_CASE("every worker of every run has its own copy of the callable and of the arguments",
          "[contract][lifetimes]") {
    // Not synchronised on purpose: ThreadSanitizer would report a shared copy.
    auto work = Stage(
        [calls = 0](Input<int> items, std::vector<int>& log) mutable -> generator<int> {
            for (int x : items) {
                ++calls;
                log.push_back(x);
            }
            if (calls != static_cast<int>(log.size())) throw std::logic_error("shared");
            co_yield calls;
        },
        std::vector<int>());
    const auto pipe = std::views::iota(0, 5000) | work.setup({.workers = 4});
    for (int round = 0; round < 3; ++round) {
        int total = 0;
        for (int n : pipe.results()) total += n;
        CHECK(total == 5000);
    }
}

TEST_CASE("an argument passed as std::ref, pointer or shared_ptr is shared", "[contract][lifetimes]") {
    std::atomic<int> by_ref{0};
    std::atomic<int> by_pointer{0};
    const auto by_shared = std::make_shared<std::atomic<int>>(0);
    auto count =
        stage({.workers = 3}, [](Input<int> items, std::atomic<int>& a, std::atomic<int>* b,
                                 std::shared_ptr<std::atomic<int>> c) {
            for ([[maybe_unused]] int x : items) {
                ++a;
                ++*b;
                ++*c;
            }
        });
    (std::views::iota(0, 100) | count(std::ref(by_ref), &by_pointer, by_shared)).execute();
    CHECK(by_ref == 100);
    CHECK(by_pointer == 100);
    CHECK(*by_shared == 100);
}

// ---- copies and moves --------------------------------------------------------------------------

TEST_CASE("items are never copied between stages and moved a few times per hop",
          "[contract][lifetimes]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const std::size_t qsize = GENERATE(0U, 1U, 64U);
    Tally tally;
    constexpr int count = 1000;
    auto source = stage({.qsize = qsize}, [&]() -> generator<Counted> {
        for (int i = 0; i < count; ++i) co_yield Counted(tally, i);
    });
    const auto pipe = source | forward_counted(workers, qsize) | forward_counted(workers, qsize);
    long sum = 0;
    for (Counted& c : pipe.results()) sum += c.value;
    CHECK(sum == count * (count - 1) / 2);
    CHECK(tally.copies == 0);
    constexpr int hops = 3;
    UNSCOPED_INFO("moves per item and hop: " << static_cast<double>(tally.moves) / count / hops);
    CHECK(tally.moves <= 4 * hops * count);
    CHECK(tally.alive == 0);
}

TEST_CASE("a yielded lvalue is copied once and then only moved",
          "[contract][lifetimes]") {
    Tally tally;
    auto source = stage([&]() -> generator<Counted> {
        Counted kept(tally, 0);
        for (int i = 0; i < 100; ++i) {
            kept.value = i;
            co_yield kept;
        }
    });
    int count = 0;
    for (Counted& c : (source | forward_counted(1, 8)).results()) count += c.value >= 0;
    CHECK(count == 100);
    CHECK(tally.copies == 100);
}

TEST_CASE("the elements of a range on the left are copied once, or moved if the range gives them away",
          "[contract][lifetimes]") {
    Tally tally;
    const auto filled = [&] {
        std::vector<Counted> items;
        items.reserve(100);
        for (int i = 0; i < 100; ++i) items.emplace_back(tally, i);
        return items;
    };
    SECTION("an lvalue is referred to") {
        std::vector<Counted> items = filled();
        const auto pipe = items | forward_counted(2, 8);
        CHECK(tally.copies == 0);
        int count = 0;
        for ([[maybe_unused]] Counted& c : pipe.results()) ++count;
        CHECK(count == 100);
        CHECK(tally.copies == 100);
        CHECK(items.size() == 100);
    }
    SECTION("an rvalue is owned and can be read again") {
        const auto pipe = filled() | forward_counted(2, 8);
        CHECK(tally.copies == 0);
        for (int round = 1; round <= 2; ++round) {
            int count = 0;
            for ([[maybe_unused]] Counted& c : pipe.results()) ++count;
            CHECK(count == 100);
            CHECK(tally.copies == 100 * round);
        }
    }
    SECTION("the elements of a generator are moved") {
        auto make = [](Tally& t) -> generator<Counted> {
            for (int i = 0; i < 100; ++i) co_yield Counted(t, i);
        };
        int count = 0;
        for ([[maybe_unused]] Counted& c : (make(tally) | forward_counted(2, 8)).results()) ++count;
        CHECK(count == 100);
        CHECK(tally.copies == 0);
    }
}

TEST_CASE("map_stage copies nothing", "[contract][lifetimes]") {
    Tally tally;
    auto source = stage([&]() -> generator<Counted> {
        for (int i = 0; i < 100; ++i) co_yield Counted(tally, i);
    });
    auto by_rvalue = map_stage({.workers = 2}, [](Counted&& c) { return std::move(c); });
    auto by_value = map_stage({.workers = 2}, [](Counted c) { return c; });
    auto by_reference = map_stage([](const Counted& c) { return c.value; });
    int count = 0;
    for ([[maybe_unused]] int x : (source | by_rvalue | by_value | by_reference).results()) ++count;
    CHECK(count == 100);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("a consumer may move results away", "[contract][lifetimes]") {
    Tally tally;
    {
        auto source = stage([&]() -> generator<Counted> {
            for (int i = 0; i < 100; ++i) co_yield Counted(tally, i);
        });
        std::vector<Counted> kept;
        for (Counted& c : source.results()) kept.push_back(std::move(c));
        CHECK(kept.size() == 100);
        CHECK(tally.alive == 100);
        CHECK(tally.copies == 0);
        CHECK(source.execute().value == 99);
        CHECK(tally.copies == 0);
    }
    CHECK(tally.alive == 0);
}

// ---- all kinds of items ------------------------------------------------------------------------

TEST_CASE("items may be move-only and not default constructible", "[contract][lifetimes]") {
    const std::size_t workers = GENERATE(1U, 3U);
    auto source = stage([]() -> generator<std::unique_ptr<int>> {
        for (int i = 0; i < 100; ++i) co_yield std::make_unique<int>(i);
    });
    auto step = map_stage({.workers = workers}, [](std::unique_ptr<int> p) { return p; });
    int sum = 0;
    for (std::unique_ptr<int>& p : (source | step).results()) sum += *p;
    CHECK(sum == 4950);
    std::unique_ptr<int> last = (source | step).execute();
    CHECK(last != nullptr);
}

TEST_CASE("items may have unusual operators", "[contract][lifetimes]") {
    const std::size_t workers = GENERATE(1U, 3U);
    CHECK(sum_through<Odd>(workers, 4, 200) == 19900);
    CHECK((stage([]() -> generator<Odd> { co_yield Odd(7); })).execute().value == 7);
}

TEST_CASE("items may be over-aligned", "[contract][lifetimes]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const auto check = [workers]<class T>(std::type_identity<T>) {
        T::misplaced = 0;
        std::vector<T> left;
        for (int i = 0; i < 100; ++i) left.emplace_back(i);
        auto step = stage({.workers = workers, .qsize = 4}, [](Input<T> items) -> generator<T> {
            for (T& item : items) {
                item.look();
                co_yield std::move(item);
            }
        });
        auto copy = stage({.workers = workers}, [](Input<T> items) -> generator<T> {
            for (T& item : items) co_yield item;
        });
        long sum = 0;
        for (T& item : (left | step | copy).results()) {
            item.look();
            sum += item.value;
        }
        CHECK(sum == 4950);
        CHECK(T::misplaced == 0);
    };
    check(std::type_identity<Aligned<16>>());
    check(std::type_identity<Aligned<64>>());
    check(std::type_identity<Aligned<256>>());
}

TEST_CASE("items may be bool", "[contract][lifetimes]") {
    const std::size_t workers = GENERATE(1U, 3U);
    const std::vector<bool> bits{true, false, true, true};
    auto invert = map_stage({.workers = workers}, [](bool b) { return !b; });
    int trues = 0;
    for (bool b : (bits | invert).results()) trues += b;
    CHECK(trues == 1);
    trues = 0;
    for (bool b : (std::vector<bool>(10, true) | invert | invert).results()) trues += b;
    CHECK(trues == 10);
    auto all = stage([](Input<bool> items) -> std::vector<bool> {
        std::vector<bool> copy;
        for (bool b : items) copy.push_back(b);
        return copy;
    });
    trues = 0;
    for (bool b : (bits | all).results()) trues += b;
    CHECK(trues == 3);
}

TEST_CASE("items may be huge", "[contract][lifetimes]") {
    struct Inline {
        std::array<std::byte, 1 << 20> bytes{};
        int value;
        explicit Inline(int n) : value(n) {}
    };
    const std::size_t workers = GENERATE(1U, 3U);
    CHECK(sum_through<Inline>(workers, 2, 20) == 190);
    struct Heap {
        std::vector<int> numbers;
        int value;
        explicit Heap(int n) : numbers(10'000'000 / sizeof(int), n), value(n) {}
    };
    CHECK(sum_through<Heap>(workers, 2, 5) == 10);
}

TEST_CASE("items may be of many kinds of types", "[contract][lifetimes]") {
    enum class Colour { red, green };
    union Either {
        int number;
        float fraction;
    };
    const auto last = []<class T>(T value) {
        return (std::vector<T>{value, value} | map_stage({.workers = 2}, [](T x) { return x; }))
            .execute();
    };
    CHECK(last(Colour::green) == Colour::green);
    CHECK(last(Either{3}).number == 3);
    CHECK(last(std::string(1000, 'x')) == std::string(1000, 'x'));
    CHECK(last(std::optional<int>()) == std::nullopt);
    CHECK(last(std::tuple<int, std::string>(1, "a")) == std::tuple<int, std::string>(1, "a"));
    CHECK(last(static_cast<const char*>("text")) == std::string("text"));
    CHECK(last(nullptr) == nullptr);
    CHECK(last(std::function<int()>([] { return 5; }))() == 5);
    CHECK(last(std::exception_ptr()) == nullptr);
    CHECK(last(std::vector<std::vector<int>>{{1}, {2}}).size() == 2);
    CHECK_THROWS_AS(std::rethrow_exception(last(std::make_exception_ptr(3))), int);
}

// ---- runs that fail to start -------------------------------------------------------------------

TEST_CASE(
    "results() throws std::system_error if a thread cannot start, and joins all others",
    "[contract][lifetimes]") {
    Tally tally;
    const std::size_t threads = support::threads_at_rest();
    const auto pipe = stage({.workers = 2},
                            [&]() -> generator<Counted> {
                                for (int i = 0; i < 1000; ++i) co_yield Counted(tally, i);
                            }) |
                      forward_counted(3, 4) | forward_counted(2, 4);
    for (int allowed = 0; allowed < 7; ++allowed) {
        {
            const support::ThreadLimit limit(allowed);
            CHECK_THROWS_AS(pipe.results(), std::system_error);
            CHECK(limit.reached());
        }
        {
            const support::ThreadLimit limit(allowed);
            CHECK_THROWS_AS(pipe.execute(), std::system_error);
        }
        CHECK(tally.alive == 0);
        CHECK(comes_true([&] { return support::thread_count() <= threads; }));
    }
    // With enough threads the pipeline runs.
    const support::ThreadLimit limit(7);
    int count = 0;
    for ([[maybe_unused]] Counted& c : pipe.results()) ++count;
    CHECK(count == 2000);
    CHECK(!limit.reached());
}

TEST_CASE("the error of a thread that cannot start names the worker, their number and the stage",
          "[contract][lifetimes]") {
    // Returns the message if `allowed` threads can start; checks that the error code is the system's.
    const auto said = [](int allowed, auto run) -> std::string {
        const support::ThreadLimit limit(allowed);
        try {
            run();
        } catch (const std::system_error& error) {
            return error.code() == std::errc::resource_unavailable_try_again ? error.what() : "another code";
        } catch (const TaskException& error) {
            return error.what();
        }
        return "no error";
    };
    const std::string why = ": " + std::system_category().message(EAGAIN);
    const std::string whose = "parallelpipe: cannot start the thread of ";
    const auto same = [](int x) { return x; };
    const auto pipe = std::views::iota(0, 3) | map_stage({.workers = 4, .name = "fetch"}, same) | take(2);
    const auto results = [&] { static_cast<void>(pipe.results()); };
    CHECK(said(0, results) == whose + "worker 1 of 1 of stage \"source\"" + why);
    CHECK(said(3, results) == whose + "worker 3 of 4 of stage \"fetch\"" + why);
    CHECK(said(5, results) == whose + "worker 1 of 1 of stage \"take_1\"" + why);
    CHECK(said(3, [&] { pipe.execute(); }) == whose + "worker 3 of 4 of stage \"fetch\"" + why);
    const auto sink = std::views::iota(0, 3) | for_each({.workers = 2}, [](int) {});
    CHECK(said(2, [&] { sink.execute(); }) == whose + "worker 2 of 2 of stage \"for_each_0\"" + why);
    // Threads that belong to no worker.
    Monitor monitor;
    monitor.record();
    CHECK(said(0, [&] { pipe.execute(monitor); }) == whose + "the Monitor" + why);
    const auto timed = std::views::iota(0, 3) | batch(2, std::chrono::seconds(1));
    CHECK(said(2, [&] { timed.execute(); }) ==
          "The task \"batch_0-0\" raised std::system_error: " + whose +
              "batch(size, max_wait), which reads its items" + why);
}

// Sanitizers end the program in place of std::bad_alloc.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("results() and execute() throw std::bad_alloc without memory to start",
          "[contract][lifetimes]") {
    Tally tally;
    auto source = stage([&]() -> generator<Counted> { co_yield Counted(tally, 1); });
    // A worker needs a few bytes of memory; these workers need more than any address space has.
    const auto pipe = source | forward_counted(std::size_t{1} << 55, 4);
    CHECK_THROWS_AS(pipe.results(), std::bad_alloc);
    CHECK_THROWS_AS(pipe.execute(), std::bad_alloc);
    CHECK(tally.alive == 0);
}
#endif

TEST_CASE("a sink whose thread cannot be started throws from execute()", "[contract][lifetimes]") {
    std::atomic<int> unwound{0};
    struct Guard {
        std::atomic<int>& unwound;
        ~Guard() { ++unwound; }
    };
    const auto pipe = std::views::iota(0) | stage({.workers = 4}, [&](Input<int> items) {
                          const Guard guard{unwound};
                          for ([[maybe_unused]] int x : items) {
                          }
                      });
    const support::ThreadLimit limit(4);
    CHECK_THROWS_AS(pipe.execute(), std::system_error);
    CHECK(unwound <= 3);
}

generator<std::string> with_suffix(const std::string& line, const std::string& suffix) {
    co_yield line + suffix;
}
generator<std::string> each_with_suffix(Input<std::string> lines, const std::string& suffix) {
    for (auto& line : lines) co_yield line + suffix;
}

TEST_CASE("an argument converted for a reference parameter lives as long as the coroutine",
          "[contract][lifetimes]") {
    const std::vector<std::string> lines = {"one"};
    const char* const suffix = " and what is far too long for the small string buffer";
    const std::string whole = lines.front() + suffix;
    CHECK((lines | flat_map(with_suffix)(suffix)).execute() == whole);
    CHECK((lines | fuse(flat_map(with_suffix)(suffix) | flat_map(with_suffix)(""))).execute() == whole);
    const auto generic = [](const auto& line, const std::string& s) -> generator<std::string> {
        co_yield line + s;
    };
    CHECK((lines | flat_map(generic)(suffix)).execute() == whole);
    struct Adder {
        generator<std::string> add(const std::string& line, const std::string& s) const { co_yield line + s; }
    };
    CHECK((lines | flat_map(&Adder::add)(Adder(), suffix)).execute() == whole);
    std::string shared = suffix;
    CHECK((lines | flat_map(with_suffix)(std::ref(shared))).execute() == whole);

    CHECK((lines | stage(each_with_suffix)(suffix)).execute() == whole);
    CHECK((lines | stage(std::ref(each_with_suffix))(suffix)).execute() == whole);
    const auto generic_stage = [](auto in, const std::string& s) -> generator<std::string> {
        for (auto& line : in) co_yield line + s;
    };
    CHECK((lines | stage(generic_stage)(suffix)).execute() == whole);
}

}  // namespace contract_lifetimes_tests
