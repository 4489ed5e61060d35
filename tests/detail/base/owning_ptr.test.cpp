#include <parallelpipe/detail/base/owning_ptr.hpp>

#include "support/catch.hpp"

#include <type_traits>
#include <utility>

// owning_ptr: one owner for one object or array.
namespace detail_owning_ptr_tests {

using parallelpipe::detail::owning_ptr;

namespace {

struct counted {
    explicit counted(int& alive) : alive_(alive) { ++alive_; }
    counted(const counted&) = delete;
    virtual ~counted() { --alive_; }
    int& alive_;
};

struct counted_more : counted {
    using counted::counted;
};

TEST_CASE("an owning_ptr destroys its object", "[owning_ptr]") {
    int alive = 0;
    {
        const owning_ptr one(new counted(alive));
        CHECK(alive == 1);
        CHECK(one);
        CHECK(&(*one).alive_ == &one->alive_);
    }
    CHECK(alive == 0);
}

TEST_CASE("a moved-from owning_ptr is null, and assignment destroys the target's object", "[owning_ptr]") {
    int alive = 0;
    owning_ptr<counted> first(new counted(alive));
    owning_ptr<counted> second(new counted(alive));
    counted* const object = first.get();
    second = std::move(first);
    CHECK(alive == 1);
    CHECK_FALSE(first);
    CHECK(second.get() == object);
    owning_ptr<counted>& same = second;
    second = std::move(same);
    CHECK(second.get() == object);
    CHECK(alive == 1);
    second.reset();
    CHECK(alive == 0);
    CHECK_FALSE(second);
}

TEST_CASE("an owning_ptr to a derived class converts to one to its base", "[owning_ptr]") {
    int alive = 0;
    owning_ptr<const counted> base = owning_ptr<counted_more>(new counted_more(alive));
    CHECK(alive == 1);
    base = nullptr;
    CHECK(alive == 0);
    STATIC_REQUIRE(!std::is_convertible_v<owning_ptr<counted>, owning_ptr<counted_more>>);
    STATIC_REQUIRE(!std::is_copy_constructible_v<owning_ptr<counted>>);
}

TEST_CASE("the caller owns a released object", "[owning_ptr]") {
    int alive = 0;
    owning_ptr<counted> one(new counted(alive));
    const counted* const object = one.release();
    CHECK_FALSE(one);
    CHECK(alive == 1);
    delete object;
}

TEST_CASE("an owning_ptr to an array creates and destroys its elements", "[owning_ptr]") {
    static int alive = 0;
    struct element {
        element() { ++alive; }
        element(const element&) = delete;
        ~element() { --alive; }
        int value = 7;
    };
    {
        owning_ptr<element[]> some(3);
        CHECK(alive == 3);
        some[2].value = 8;
        owning_ptr<element[]> others = std::move(some);
        CHECK(some.get() == nullptr);
        CHECK(others.get()[2].value == 8);
        some = owning_ptr<element[]>(2);
        others = std::move(some);
        CHECK(alive == 2);
        CHECK(others[1].value == 7);
    }
    CHECK(alive == 0);
    CHECK(owning_ptr<int[]>(2)[1] == 0);
}

}  // namespace
}  // namespace detail_owning_ptr_tests
