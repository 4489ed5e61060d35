#include <parallelpipe/detail/sync/core_contention.hpp>
#include <parallelpipe/detail/sync/wait_strategy.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <limits>

namespace detail_patience_tests {

using namespace std::chrono_literals;
using parallelpipe::detail::core_contention;
using parallelpipe::detail::wait_strategy;
using time = core_contention::clock::time_point;

namespace {

TEST_CASE("a core is others' from the moment when the last worker left it", "[patience]") {
    core_contention core;
    const time start = core_contention::clock::now();
    core.leave(start);
    CHECK(core.used_by_others(start + 3ms) == 3ms);
    core.leave(start + 2ms);
    CHECK(core.used_by_others(start + 3ms) == 1ms);
    core.work();
    CHECK(core.used_by_others(start + 3ms) == 0ms);
    core.leave(start + 3ms);
    CHECK(core.used_by_others(start + 5ms) == 2ms);
}

TEST_CASE("a core that another program had for long is kept for a while", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time now = core_contention::clock::now();
    const int before = wait_strategy().pauses(core);
    CHECK_FALSE(core.avoid_yield());

    core.leave(now - 1h);
    patient.core_returned(core, now - 1h, now);  // so that "a while" ends behind this test
    CHECK(core.avoid_yield());
    CHECK_FALSE(core_contention().avoid_yield());  // another one is not
    CHECK(patient.pauses(core) < before);
    CHECK(patient.pauses(core) > 0);
}

TEST_CASE("a core that is back soon is offered again", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time now = core_contention::clock::now();
    core.leave(now - wait_strategy::too_long / 2);
    patient.core_returned(core, now - wait_strategy::too_long / 2, now);
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("a core that another worker had for long is offered again", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time now = core_contention::clock::now();
    core.leave(now - 1h);
    SECTION("and it works there still") { core.work(); }
    SECTION("and it left a moment ago") { core.leave(now - wait_strategy::too_long / 2); }
    patient.core_returned(core, now - 1h, now);
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("a core is kept no longer than what was lost makes up for", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time now = core_contention::clock::now();
    core.leave(now - 2h);
    patient.core_returned(core, now - 2h, now - 2h + wait_strategy::too_long);  // two hours ago
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("a core that is lost again and again is kept for longer, one that was lost once is not", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time back = core_contention::clock::now() - 4h;
    const auto is_lost_for_an_hour = [&] {
        core.leave(back - 1h);
        patient.core_returned(core, back - 1h, back);
    };
    is_lost_for_an_hour();
    CHECK_FALSE(core.avoid_yield());  // for two hours: that is over
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());

    const auto offers_go_well = [&](int offers) {
        for (int i = 0; i < offers; ++i) {
            core.leave(back);
            patient.core_returned(core, back, back + 1us);
        }
    };
    offers_go_well(3);  // between two turns of another program
    is_lost_for_an_hour();
    CHECK(core.avoid_yield());
    offers_go_well(200);  // there is none any more
    is_lost_for_an_hour();
    CHECK_FALSE(core.avoid_yield());
}

TEST_CASE("waits that end in sleep three times in a row are not tried again at once", "[patience]") {
    wait_strategy patient;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(patient.spinning_is_futile());
        CHECK(patient.pauses() > 0);
        patient.sleeps();
    }
    CHECK(patient.spinning_is_futile());
    CHECK(patient.pauses() == 0);
    patient.spin_succeeded();
    CHECK(patient.pauses() > 0);
}

TEST_CASE("waits that bring some items at a time are tried again all the same", "[patience]") {
    wait_strategy patient;
    for (int i = 0; i < 9; ++i) {
        CHECK(patient.pauses() > 0);
        patient.sleeps();
        patient.brought(1000);
    }
}

/// Offers the core so often that `patient` has paused alone for a millisecond, for so many items in all.
void pause_alone(wait_strategy& patient, std::size_t items) {
    core_contention core;
    const time now = core_contention::clock::now();
    for (int i = 0; i < 200; ++i) patient.core_returned(core, now - 5us, now);
    patient.brought(items);
}

TEST_CASE("who pauses for each item and is alone on a core sleeps for a while", "[patience]") {
    wait_strategy patient;
    CHECK(patient.sleep_time(1'000) == 0ns);
    pause_alone(patient, 200);  // 5 us each
    CHECK(patient.sleep_time(1'000) == wait_strategy::longest_sleep);
    CHECK(patient.sleep_time(1'000) == 0ns);  // that was it
}

TEST_CASE("a nap is over before the other side has to wait", "[patience]") {
    wait_strategy patient;
    pause_alone(patient, 200);
    CHECK(patient.sleep_time(16) == 40us);  // half of what 16 items take
    pause_alone(patient, 200);
    CHECK(patient.sleep_time(4) == 0ns);
    pause_alone(patient, 100'000);  // 10 ns each: 1,000 of them are soon there
    CHECK(patient.sleep_time(1'000) == 0ns);
    pause_alone(patient, 200);
    CHECK(patient.sleep_time(std::numeric_limits<std::size_t>::max()) == wait_strategy::longest_sleep);
}

TEST_CASE("who has slept has not paused alone", "[patience]") {
    wait_strategy patient;
    pause_alone(patient, 200);
    patient.sleeps();
    CHECK(patient.sleep_time(1'000) == 0ns);
}

TEST_CASE("pauses in which others had the core are not alone", "[patience]") {
    core_contention core;
    wait_strategy patient;
    const time now = core_contention::clock::now();
    core.work();
    for (int i = 0; i < 200; ++i) patient.core_returned(core, now - 20us, now);
    CHECK(patient.sleep_time(1'000) == 0ns);
}

}  // namespace
}  // namespace detail_patience_tests
