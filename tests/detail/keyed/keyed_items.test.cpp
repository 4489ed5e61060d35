#include <parallelpipe/detail/keyed/keyed_items.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/fragile.hpp"
#include "support/scarce_memory.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

// keyed_items: the waiting items of one keyed worker, sorted by number, with failures in their places.
namespace detail_keyed_items_tests {

using parallelpipe::detail::keyed_items;

namespace {

/// Takes all items. Returns: their numbers in this order, failures in brackets.
template <class In>
std::string order_of(keyed_items<In>& items) {
    std::string order;
    while (!items.is_empty()) {
        const std::string number = std::to_string(items.first_number());
        if (items.fails_first()) {
            CHECK(items.take_failure());
            order += '(' + number + ')';
        } else {
            items.take_item([&](std::uint64_t its_number, In&&) {
                CHECK(std::to_string(its_number) == number);
                order += number;
            });
        }
        order += ' ';
    }
    return order;
}

std::exception_ptr some_error() { return std::make_exception_ptr(std::runtime_error("no")); }

keyed_items<int> items_with(std::initializer_list<int> numbers) {
    keyed_items<int> items;
    for (int number : numbers) items.push(static_cast<std::uint64_t>(number), int{number});
    return items;
}

}  // namespace

TEST_CASE("keyed items are taken in the order of their numbers, failures in their places", "[partition_by]") {
    keyed_items<std::unique_ptr<int>> items;
    for (int round = 0; round < 3; ++round) {
        items.push_failure(0, some_error());
        items.push(2, std::make_unique<int>(2));
        items.push_failure(5, some_error());
        items.push_failure(6, some_error());
        items.push(7, std::make_unique<int>(7));
        CHECK(items.has(2));
        CHECK(items.has(5));
        CHECK_FALSE(items.has(4));
        CHECK(order_of(items) == "(0) 2 (5) (6) 7 ");
        CHECK(items.is_empty());
    }
}

TEST_CASE("keyed items that other workers leave are merged by number", "[partition_by]") {
    keyed_items<int> mine = items_with({1, 5, 9});
    keyed_items<int> left = items_with({0, 4, 10});
    mine.push_failure(6, some_error());
    left.push_failure(3, some_error());
    left.push_failure(7, some_error());
    SECTION("once") {
        mine.absorb(left);
        CHECK(left.is_empty());
        mine.push(11, 11);
        CHECK(order_of(mine) == "0 1 (3) 4 5 (6) (7) 9 10 11 ");
    }
    SECTION("through a worker with items of its own") {
        keyed_items<int> third = items_with({2, 8});
        third.absorb(left);
        mine.absorb(third);
        CHECK(order_of(mine) == "0 1 2 (3) 4 5 (6) (7) 8 9 10 ");
    }
    SECTION("by a worker without items") {
        keyed_items<int> none;
        mine.absorb(none);
        none.absorb(left);
        CHECK(order_of(mine) == "1 5 (6) 9 ");
        CHECK(order_of(none) == "0 (3) 4 (7) 10 ");
        none.push(11, 11);
        mine.push(12, 12);
        CHECK(order_of(none) == "11 ");
        CHECK(order_of(mine) == "12 ");
    }
}

TEST_CASE("an item for which no memory is left stays in its place", "[partition_by][memory]") {
    for (int before = 0;; ++before) {
        keyed_items<std::unique_ptr<int>> items;
        auto first = std::make_unique<int>(1);
        bool failed = false;
        support::lose_next(support::Memory::any, 1, before);
        try {
            items.push(1, std::move(first));
        } catch (const std::bad_alloc&) {
            failed = true;
        }
        support::lose_next(support::Memory::any, 0);
        CHECK(failed == (first != nullptr));
        CHECK(failed == items.is_empty());
        if (!failed) break;
        items.push(1, std::move(first));
        items.push_failure(2, some_error());
        CHECK(order_of(items) == "1 (2) ");
    }
}

TEST_CASE("only the item whose move throws is lost", "[partition_by]") {
    support::Fuse fuse;
    {
        keyed_items<support::Fragile> items;
        items.push(0, support::Fragile(fuse, 0));
        items.push(1, support::Fragile(fuse, 1));
        CHECK_THROWS(items.take_item(
            [](std::uint64_t, support::Fragile&&) { throw std::runtime_error("not this one"); }));
        fuse.left = 1;
        CHECK_THROWS(items.push(2, support::Fragile(fuse, 2)));
        CHECK(order_of(items) == "1 ");
        items.push(3, support::Fragile(fuse, 3));
    }
    CHECK(fuse.alive == 0);
}

}  // namespace detail_keyed_items_tests
