#include <parallelpipe/detail/channel/slots.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <cstddef>
#include <thread>

namespace detail_slots_tests {

using namespace parallelpipe::detail;

namespace {

/// A channel without items.
struct Slots : channel_slots {
    using channel_slots::channel_slots;
};

/// Whether `change()` notifies a waiter of `event`.
template <class Change>
bool notifies(event_count& event, Change change) {
    const auto key = event.prepare();
    change();
    if (event.has_waiters()) {
        event.cancel(key);
        return false;
    }
    return event.wait_until(key, support::latest());
}

}  // namespace

TEST_CASE("a producer takes its share of the free slots, and at least one", "[channel]") {
    wait_strategy strategy;
    Slots alone(16, 1, 1);
    CHECK(alone.take_slots(strategy) == 16);
    CHECK(alone.free_slots() == 0);
    Slots shared(16, 2, 1);
    CHECK(shared.take_slots(strategy) == 2);
    Slots tiny(1, 4, 1);
    CHECK(tiny.take_slots(strategy) == 1);
    tiny.close();
    CHECK(tiny.take_slots(strategy) == 0);
    Slots endless(0, 1, 1);
    CHECK(endless.take_slots(strategy) == channel_slots::unlimited);
    endless.return_slots(5);
    CHECK(endless.capacity() == 0);
    endless.close();
    CHECK(endless.take_slots(strategy) == 0);
}

TEST_CASE("slots are taken by the rule of their taker", "[channel]") {
    Slots slots(8, 1, 1);
    const auto all_but_two = [](std::ptrdiff_t free) { return free - 2; };
    CHECK(slots.try_take_slots(all_but_two) == 6);
    CHECK(slots.try_take_slots(all_but_two) == 0);
    CHECK(slots.free_slots() == 2);
    slots.return_slots(1);
    CHECK(slots.try_take_slots(all_but_two) == 1);
}

TEST_CASE("a watcher is notified when enough slots are free, and when the channel is closed", "[channel]") {
    Slots slots(8, 1, 1);
    event_count event;
    slots.watch(event, 3);
    wait_strategy strategy;
    REQUIRE(slots.take_slots(strategy) == 8);
    CHECK_FALSE(notifies(event, [&] { slots.return_slots(3); }));
    CHECK(notifies(event, [&] { slots.return_slots(1); }));
    CHECK(notifies(event, [&] { slots.close(); }));
}

}  // namespace detail_slots_tests
