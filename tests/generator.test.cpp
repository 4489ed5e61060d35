#include <parallelpipe/generator.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/last_words.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// generator: elements, elements_of, exceptions, lifetime, use as a range.
namespace generator_tests {

using namespace parallelpipe;
using support::Counted;
using support::Tally;

namespace {

template <class T>
std::vector<T> collected(generator<T> items) {
    std::vector<T> all;
    for (T&& item : items) all.push_back(std::move(item));
    return all;
}

generator<int> up_to(int end) {
    for (int i = 0; i < end; ++i) co_yield i;
}

generator<int> nothing() { co_return; }

/// Replaces an initializer_list, which g++ 12 cannot keep in a coroutine's frame.
template <class T, class... Values>
std::vector<T> vector_of(Values&&... values) {
    std::vector<T> made;
    made.reserve(sizeof...(values));
    (made.push_back(std::forward<Values>(values)), ...);
    return made;
}

/// An object that a stage function owns; it sets a flag when it is destroyed.
struct Guard {
    explicit Guard(bool& died) : died_(died) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { died_ = true; }

private:
    bool& died_;
};

}  // namespace

static_assert(std::ranges::view<generator<int>>);
static_assert(std::ranges::input_range<generator<int>>);
static_assert(!std::ranges::forward_range<generator<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<generator<int>>, int&&>);
static_assert(std::same_as<std::ranges::range_value_t<generator<std::string>>, std::string>);
static_assert(!std::copy_constructible<generator<int>>);
static_assert(!std::is_copy_assignable_v<generator<int>>);
static_assert(std::is_nothrow_move_constructible_v<generator<int>>);

TEST_CASE("a generator yields its elements in order and then ends", "[generator]") {
    CHECK(collected(up_to(5)) == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a generator without a yield is an empty range", "[generator]") {
    auto none = nothing();
    CHECK(none.begin() == none.end());
}

TEST_CASE("no code of a generator runs before its first element is read", "[generator]") {
    bool started = false;
    auto body = [](bool& flag) -> generator<int> {
        flag = true;
        co_yield 1;
    };
    auto items = body(started);
    auto it = items.begin();
    CHECK_FALSE(started);
    CHECK(*it == 1);
    CHECK(started);
}

TEST_CASE("a generator runs no further than the element that is read", "[generator]") {
    int reached = 0;
    auto body = [](int& at) -> generator<int> {
        for (int i = 1; i <= 3; ++i) {
            at = i;
            co_yield i;
        }
    };
    auto items = body(reached);
    auto it = items.begin();
    CHECK(*it == 1);
    CHECK(reached == 1);
    ++it;
    CHECK(reached == 1);
    CHECK(*it == 2);
    CHECK(reached == 2);
}

TEST_CASE("yielding an rvalue makes neither a copy nor a move", "[generator]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        co_yield Counted(t, 1);
        Counted named(t, 2);
        co_yield std::move(named);
    };
    for (Counted&& item : body(tally)) CHECK(item.value > 0);
    CHECK(tally.copies == 0);
    CHECK(tally.moves == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("a reader that keeps a yielded rvalue moves it once", "[generator]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> { co_yield Counted(t, 1); };
    for (Counted&& item : body(tally)) {
        const Counted kept = std::move(item);
        CHECK(kept.value == 1);
    }
    CHECK(tally.copies == 0);
    CHECK(tally.moves == 1);
    CHECK(tally.alive == 0);
}

TEST_CASE("yielding an lvalue copies it once and leaves it as it was", "[generator]") {
    auto body = [](Tally& t, bool& whole) -> generator<Counted> {
        Counted named(t, 7);
        co_yield named;
        whole = named.value == 7;
        const Counted fixed(t, 8);
        co_yield fixed;
        whole = whole && fixed.value == 8;
    };
    Tally tally;
    bool whole = false;
    for (Counted&& item : body(tally, whole)) item.value = -1;  // the reader may change its item
    CHECK(whole);
    CHECK(tally.copies == 2);
    CHECK(tally.moves == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("a string yielded as an lvalue is still there for the generator", "[generator]") {
    auto body = []() -> generator<std::string> {
        std::string line = "a line that is too long for the small string optimisation";
        co_yield line;
        co_yield line;
    };
    std::vector<std::string> lines = collected(body());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == lines[1]);
    CHECK(lines[1].size() > 20);
}

TEST_CASE("values of other types convert to the element type", "[generator]") {
    auto strings = []() -> generator<std::string> {
        co_yield "literal";
        const char* pointer = "pointer";
        co_yield pointer;
    };
    CHECK(collected(strings()) == std::vector<std::string>{"literal", "pointer"});

    auto doubles = []() -> generator<double> {
        co_yield 1;
        const int two = 2;
        co_yield two;
    };
    CHECK(collected(doubles()) == std::vector<double>{1.0, 2.0});

    auto optionals = []() -> generator<std::optional<int>> {
        co_yield 5;
        co_yield std::nullopt;
    };
    CHECK(collected(optionals()) == std::vector<std::optional<int>>{5, std::nullopt});
}

TEST_CASE("elements can be written in braces", "[generator]") {
    using Entry = std::pair<std::string, int>;
    auto pairs = []() -> generator<Entry> {
        co_yield {"one", 1};
        co_yield {"two", 2};
    };
    CHECK(collected(pairs()) == std::vector<Entry>{{"one", 1}, {"two", 2}});

    struct Point {
        int x;
        int y;
    };
    auto points = []() -> generator<Point> { co_yield {.x = 3, .y = 4}; };
    for (const Point& p : points()) {
        CHECK(p.x == 3);
        CHECK(p.y == 4);
    }

    auto numbers = []() -> generator<int> {
        co_yield {};
        co_yield {6};
    };
    CHECK(collected(numbers()) == std::vector{0, 6});
}

TEST_CASE("a generator of a move-only type yields rvalues", "[generator]") {
    auto body = []() -> generator<std::unique_ptr<int>> {
        co_yield std::make_unique<int>(1);
        auto named = std::make_unique<int>(2);
        co_yield std::move(named);
    };
    int sum = 0;
    for (std::unique_ptr<int>&& item : body()) {
        const std::unique_ptr<int> mine = std::move(item);
        sum += *mine;
    }
    CHECK(sum == 3);
}

TEST_CASE("over-aligned elements are aligned however they are yielded", "[generator]") {
    struct alignas(128) Wide {
        explicit Wide(int v) : value(v) {}
        int value;
    };
    auto body = []() -> generator<Wide> {
        co_yield Wide(1);
        const Wide named(2);
        co_yield named;
    };
    int seen = 0;
    for (Wide&& item : body()) {
        CHECK(reinterpret_cast<std::uintptr_t>(&item) % alignof(Wide) == 0);
        CHECK(item.value == ++seen);
    }
    CHECK(seen == 2);
}

TEST_CASE("bool elements keep their values", "[generator]") {
    auto body = []() -> generator<bool> {
        co_yield true;
        co_yield elements_of(vector_of<bool>(false, true));
    };
    std::vector<int> seen;
    for (bool b : body()) seen.push_back(b ? 1 : 0);
    CHECK(seen == std::vector{1, 0, 1});
}

// ---- elements_of ----------------------------------------------------------------------------

TEST_CASE("elements_of a generator yields its elements in their place",
          "[generator][elements_of]") {
    auto body = []() -> generator<int> {
        co_yield -1;
        co_yield elements_of(up_to(3));
        co_yield elements_of(nothing());
        co_yield -2;
    };
    CHECK(collected(body()) == std::vector{-1, 0, 1, 2, -2});
}

TEST_CASE("elements_of an lvalue container copies and leaves the container unchanged",
          "[generator][elements_of]") {
    Tally tally;
    auto body = [](std::vector<Counted>& from) -> generator<Counted> {
        co_yield elements_of(from);
    };
    std::vector<Counted> kept;
    kept.reserve(3);
    for (int i = 0; i < 3; ++i) kept.emplace_back(tally, i);
    int sum = 0;
    for (Counted&& item : body(kept)) {
        sum += item.value;
        item.value = -1;
    }
    CHECK(sum == 3);
    CHECK(kept[2].value == 2);
    CHECK(tally.copies == 3);
    CHECK(tally.moves == 0);
    CHECK(tally.alive == 3);
}

TEST_CASE("elements_of an rvalue container moves", "[generator][elements_of]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        std::vector<Counted> own;
        own.reserve(3);
        for (int i = 0; i < 3; ++i) own.emplace_back(t, i);
        co_yield elements_of(std::move(own));
    };
    int count = 0;
    for (Counted&& item : body(tally)) CHECK(item.value == count++);
    CHECK(count == 3);
    CHECK(tally.copies == 0);
    CHECK(tally.alive == 0);
}

TEST_CASE("elements_of an rvalue container of a move-only type moves", "[generator][elements_of]") {
    auto body = []() -> generator<std::unique_ptr<int>> {
        std::vector<std::unique_ptr<int>> own;
        own.push_back(std::make_unique<int>(4));
        own.push_back(std::make_unique<int>(5));
        co_yield elements_of(std::move(own));
    };
    int sum = 0;
    for (std::unique_ptr<int>&& item : body()) sum += *item;
    CHECK(sum == 9);
}

TEST_CASE("elements_of a view does not move from the elements that the view refers to", "[generator][elements_of]") {
    std::vector<std::string> words{"alpha with some length to it", "beta with some length to it"};
    auto body = [](std::vector<std::string>& from) -> generator<std::string> {
        co_yield elements_of(from | std::views::take(1));
    };
    CHECK(collected(body(words)).size() == 1);
    CHECK(words[0] == "alpha with some length to it");
}

TEST_CASE("elements_of a range of another type converts", "[generator][elements_of]") {
    auto body = []() -> generator<std::string> {
        co_yield elements_of(vector_of<const char*>("a", "b"));
    };
    CHECK(collected(body()) == std::vector<std::string>{"a", "b"});

    auto widened = []() -> generator<long> { co_yield elements_of(up_to(3)); };
    CHECK(collected(widened()) == std::vector<long>{0, 1, 2});
}

TEST_CASE("a container passed to elements_of as a temporary lives as long as it is read",
          "[generator][elements_of]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        co_yield elements_of(vector_of<Counted>(Counted(t, 1), Counted(t, 2)));
        co_yield Counted(t, 3);
    };
    std::vector<int> seen;
    for (const Counted& item : body(tally)) seen.push_back(item.value);
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(tally.alive == 0);
}

namespace {

generator<int> nested(int depth) {
    if (depth > 0) co_yield elements_of(nested(depth - 1));
    co_yield depth;
}

generator<int> failing_at_the_bottom(int depth) {
    if (depth == 0) throw std::runtime_error("bottom");
    co_yield depth;
    co_yield elements_of(failing_at_the_bottom(depth - 1));
}

generator<int> walk(int low, int high) {
    if (low > high) co_return;
    const int middle = low + (high - low) / 2;
    co_yield elements_of(walk(low, middle - 1));
    co_yield middle;
    co_yield elements_of(walk(middle + 1, high));
}

}  // namespace

TEST_CASE("generators nest ten thousand deep on a flat stack", "[generator][elements_of]") {
    int expected = 0;
    for (int i : nested(10000)) {
        if (i != expected) FAIL("got " << i << " instead of " << expected);
        ++expected;
    }
    CHECK(expected == 10001);
}

TEST_CASE("a recursive walk yields in order", "[generator][elements_of]") {
    int expected = 0;
    for (int i : walk(0, 999)) {
        if (i != expected) FAIL("got " << i << " instead of " << expected);
        ++expected;
    }
    CHECK(expected == 1000);
}

TEST_CASE("many empty nested generators cost no stack", "[generator][elements_of]") {
    auto body = []() -> generator<int> {
        for (int i = 0; i < 100000; ++i) co_yield elements_of(nothing());
        co_yield 1;
    };
    CHECK(collected(body()) == std::vector{1});
}

TEST_CASE("a chain of nested generators can be dropped in its middle", "[generator][elements_of]") {
    bool outer_died = false;
    bool inner_died = false;
    auto inner = [](bool& died) -> generator<int> {
        const Guard guard(died);
        co_yield 1;
        co_yield 2;
    };
    auto outer = [&inner](bool& died, bool& nested_died) -> generator<int> {
        const Guard guard(died);
        co_yield elements_of(inner(nested_died));
    };
    {
        auto items = outer(outer_died, inner_died);
        CHECK(*items.begin() == 1);
        CHECK_FALSE(inner_died);
    }
    CHECK(outer_died);
    CHECK(inner_died);
}

TEST_CASE("a nested generator is destroyed after its last element",
          "[generator][elements_of]") {
    bool inner_died = false;
    auto inner = [](bool& died) -> generator<int> {
        const Guard guard(died);
        co_yield 1;
    };
    auto outer = [&inner](bool& nested_died) -> generator<int> {
        co_yield elements_of(inner(nested_died));
        co_yield nested_died ? 2 : -2;
    };
    CHECK(collected(outer(inner_died)) == std::vector{1, 2});
}

TEST_CASE("elements_of a generator that has been moved from yields nothing",
          "[generator][elements_of]") {
    auto body = []() -> generator<int> {
        auto first = up_to(2);
        auto second = std::move(first);
        co_yield elements_of(std::move(first));
        co_yield elements_of(std::move(second));
    };
    CHECK(collected(body()) == std::vector{0, 1});
}

// ---- exceptions -----------------------------------------------------------------------------

TEST_CASE("an exception before the first yield is thrown by the first read", "[generator][errors]") {
    auto body = [](bool fail) -> generator<int> {
        if (fail) throw std::runtime_error("early");
        co_yield 1;
    };
    auto items = body(true);
    CHECK_THROWS_WITH(items.begin() == items.end(), "early");
    CHECK(items.begin() == items.end());
}

TEST_CASE("an exception between two yields is thrown by the next read, which ends the range",
          "[generator][errors]") {
    bool died = false;
    auto body = [](bool& flag) -> generator<int> {
        const Guard guard(flag);
        co_yield 1;
        throw std::logic_error("between");
    };
    auto items = body(died);
    auto it = items.begin();
    CHECK(*it == 1);
    ++it;
    CHECK_THROWS_AS(*it, std::logic_error);
    CHECK(died);
    CHECK(it == items.end());
}

TEST_CASE("an exception that is not a std::exception keeps its type",
          "[generator][errors]") {
    auto body = []() -> generator<int> {
        co_yield 1;
        throw 42;
    };
    auto items = body();
    auto it = items.begin();
    ++it;
    CHECK_THROWS_AS(it == items.end(), int);
}

TEST_CASE("an exception passes through all nested generators", "[generator][errors]") {
    int seen = 0;
    auto items = failing_at_the_bottom(1000);
    try {
        for (int i : items) {
            if (i != 1000 - seen) FAIL("wrong order");
            ++seen;
        }
        FAIL("no exception");
    } catch (const std::runtime_error& e) {
        CHECK(std::string(e.what()) == "bottom");
    }
    CHECK(seen == 1000);
}

TEST_CASE("a generator can catch an exception of a nested generator and continue", "[generator][errors]") {
    auto body = []() -> generator<int> {
        bool failed = false;
        try {
            co_yield elements_of(failing_at_the_bottom(2));
        } catch (const std::runtime_error&) {
            failed = true;
        }
        co_yield failed ? 100 : -100;
        co_yield elements_of(up_to(2));
    };
    CHECK(collected(body()) == std::vector{2, 1, 100, 0, 1});
}

TEST_CASE("an exception from the range inside elements_of leaves through the iterator",
          "[generator][errors]") {
    auto body = []() -> generator<int> {
        auto from = vector_of<int>(1, 2, 3);
        co_yield elements_of(from | std::views::transform([](int x) {
                                 if (x == 3) throw std::out_of_range("three");
                                 return x;
                             }));
    };
    std::vector<int> seen;
    CHECK_THROWS_AS(
        [&] {
            for (int x : body()) seen.push_back(x);
        }(),
        std::out_of_range);
    CHECK(seen == std::vector{1, 2});
}

namespace {

struct CopyThrows {
    CopyThrows() = default;
    CopyThrows(const CopyThrows&) { throw std::runtime_error("copy"); }
    CopyThrows(CopyThrows&&) noexcept {}
};

}  // namespace

TEST_CASE("an exception from copying an lvalue can be caught at the co_yield",
          "[generator][errors]") {
    auto body = []() -> generator<CopyThrows> {
        const CopyThrows named;
        bool failed = false;
        try {
            co_yield named;
        } catch (const std::runtime_error&) {
            failed = true;
        }
        if (failed) co_yield CopyThrows();
    };
    int count = 0;
    for (const CopyThrows& item : body()) {
        static_cast<void>(item);
        ++count;
    }
    CHECK(count == 1);
}

// ---- lifetime -------------------------------------------------------------------------------

TEST_CASE("dropping a generator early destroys its local variables", "[generator]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        const Counted set_up(t, 0);
        for (int i = 1;; ++i) co_yield Counted(t, i);
    };
    {
        auto items = body(tally);
        auto it = items.begin();
        ++it;
        CHECK(it->value == 2);
        CHECK(tally.alive == 2);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("a copied lvalue is destroyed when the next element is asked for", "[generator]") {
    Tally tally;
    auto body = [](Tally& t) -> generator<Counted> {
        const Counted one(t, 1);
        co_yield one;
        co_yield Counted(t, 2);
    };
    auto items = body(tally);
    auto it = items.begin();
    CHECK(it->value == 1);
    CHECK(tally.alive == 2);
    ++it;
    CHECK(it->value == 2);
    CHECK(tally.alive == 2);
}

TEST_CASE("a generator that never ran destroys its parameters", "[generator]") {
    Tally tally;
    auto body = [](Counted by_value) -> generator<int> { co_yield by_value.value; };
    {
        auto items = body(Counted(tally, 1));
        CHECK(tally.alive == 1);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("a moved generator continues at its position", "[generator]") {
    auto first = up_to(4);
    auto it = first.begin();
    ++it;
    generator<int> second = std::move(first);
    CHECK(*it == 1);
    ++it;
    CHECK(*it == 2);
    ++it;
    ++it;
    CHECK(it == second.end());
}

TEST_CASE("assigning to a generator destroys its previous coroutine", "[generator]") {
    bool died = false;
    auto body = [](bool& flag) -> generator<int> {
        const Guard guard(flag);
        co_yield 1;
        co_yield 2;
    };
    auto items = body(died);
    CHECK(*items.begin() == 1);
    items = up_to(2);
    CHECK(died);
    CHECK(collected(std::move(items)) == std::vector{0, 1});
}

TEST_CASE("a generator assigned to itself does not change", "[generator]") {
    auto items = up_to(3);
    auto& same = items;
    items = std::move(same);
    CHECK(collected(std::move(items)) == std::vector{0, 1, 2});
}

// ---- as a range -----------------------------------------------------------------------------

TEST_CASE("views work on a generator", "[generator]") {
    auto odd_squares = up_to(1000) | std::views::filter([](int x) { return x % 2 == 1; }) |
                       std::views::transform([](int x) { return x * x; }) | std::views::take(3);
    std::vector<int> seen;
    for (int x : odd_squares) seen.push_back(x);
    CHECK(seen == std::vector{1, 9, 25});
}

TEST_CASE("a generator that never ends can be read in part", "[generator]") {
    auto forever = []() -> generator<int> {
        for (int i = 0;; ++i) co_yield i;
    };
    int sum = 0;
    for (int x : forever() | std::views::take(5)) sum += x;
    CHECK(sum == 10);
}

TEST_CASE("a second loop over a generator that has ended is empty", "[generator]") {
    auto items = up_to(3);
    int seen = 0;
    for (int x : items) seen += x;
    for (int x : items) seen += 100 + x;
    CHECK(seen == 3);
    auto none = nothing();
    CHECK(none.begin() == none.end());
    CHECK(none.begin() == none.end());
}

TEST_CASE(
    "a second loop over a generator continues after the last element that the first dereferenced",
    "[generator]") {
    auto items = up_to(9);
    std::vector<int> seen;
    for (int loop = 0; loop < 2; ++loop)
        for (int x : std::ranges::ref_view(items) | std::views::take(3)) seen.push_back(x);
    for (int x : items) {
        seen.push_back(x);
        if (x == 7) break;
    }
    for (int x : items) seen.push_back(x);
    CHECK(seen == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("a generator keeps an element that was not dereferenced", "[generator]") {
    auto items = up_to(3);
    for (int x : std::ranges::ref_view(items) | std::views::take(0)) CHECK(x == -1);
    CHECK_FALSE(items.begin() == items.end());
    CHECK_FALSE(items.begin() == items.end());
    CHECK(*items.begin() == 0);
    CHECK(*items.begin() == 1);
    CHECK(*items.begin() == 2);
    CHECK(items.begin() == items.end());
}

TEST_CASE("a skipped element is computed too", "[generator]") {
    auto items = up_to(4);
    auto it = items.begin();
    ++it;
    ++it;
    CHECK(*it == 2);
    it++;
    it++;
    CHECK(it == items.end());
}

TEST_CASE("elements_of continues a generator that has begun", "[generator][elements_of]") {
    auto nested = []() -> generator<int> {
        co_yield elements_of(up_to(3));
        co_yield 3;
    };
    auto rest_of = [&](int dereferenced, bool looks_further) -> generator<int> {
        auto items = nested();
        auto it = items.begin();
        for (int i = 0; i < dereferenced; ++i, ++it) static_cast<void>(*it);
        if (looks_further) static_cast<void>(it == items.end());
        co_yield elements_of(std::move(items));
        co_yield 9;
    };
    CHECK(collected(rest_of(0, false)) == std::vector{0, 1, 2, 3, 9});
    CHECK(collected(rest_of(0, true)) == std::vector{0, 1, 2, 3, 9});
    CHECK(collected(rest_of(1, false)) == std::vector{1, 2, 3, 9});
    CHECK(collected(rest_of(2, true)) == std::vector{2, 3, 9});
    CHECK(collected(rest_of(4, false)) == std::vector{9});
    CHECK(collected(rest_of(4, true)) == std::vector{9});
}

#if defined(NDEBUG)
TEST_CASE("++ past the end of a generator does nothing", "[generator]") {
    auto items = up_to(1);
    auto it = items.begin();
    ++it;
    ++it;
    ++it;
    CHECK(it == items.end());
}
#else
TEST_CASE("a loop over a generator that has been moved from is an assertion", "[generator]") {
    auto items = up_to(1);
    const auto owner = std::move(items);
    const std::string words = support::last_words([&] { static_cast<void>(items.begin()); });
    CHECK(words.find("this generator has been moved from") != std::string::npos);
}

TEST_CASE("++ and * past the end of a generator are assertions", "[generator]") {
    auto items = up_to(1);
    auto it = items.begin();
    ++it;
    const std::string incremented = support::last_words([&] { ++it; });
    CHECK(incremented.find("incremented past the end") != std::string::npos);
    const std::string dereferenced = support::last_words([&] { static_cast<void>(*it); });
    CHECK(dereferenced.find("dereferenced at the end") != std::string::npos);
    CHECK(it == items.end());
}
#endif

TEST_CASE("the iterator reaches the members of the element", "[generator]") {
    auto body = []() -> generator<std::string> { co_yield "four"; };
    auto items = body();
    auto it = items.begin();
    CHECK(it->size() == 4);
    it++;
    CHECK(it == items.end());
}

}  // namespace generator_tests
