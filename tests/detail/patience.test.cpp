#include <parallelpipe/detail/core_use.hpp>
#include <parallelpipe/detail/patience.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <limits>

namespace detail_patience_tests {

using namespace std::chrono_literals;
using parallelpipe::detail::core_use;
using parallelpipe::detail::patience;
using time = core_use::clock::time_point;

namespace {

TEST_CASE("a core is others' from the moment when the last worker left it", "[patience]") {
    core_use core;
    const time start = core_use::clock::now();
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
    core_use core;
    patience patient;
    const time now = core_use::clock::now();
    const int before = patience().pauses(core);
    CHECK_FALSE(core.is_kept());

    core.leave(now - 1h);
    patient.core_is_back(core, now - 1h, now);  // so that "a while" ends behind this test
    CHECK(core.is_kept());
    CHECK_FALSE(core_use().is_kept());  // another one is not
    CHECK(patient.pauses(core) < before);
    CHECK(patient.pauses(core) > 0);
}

TEST_CASE("a core that is back soon is offered again", "[patience]") {
    core_use core;
    patience patient;
    const time now = core_use::clock::now();
    core.leave(now - patience::too_long / 2);
    patient.core_is_back(core, now - patience::too_long / 2, now);
    CHECK_FALSE(core.is_kept());
}

TEST_CASE("a core that another worker had for long is offered again", "[patience]") {
    core_use core;
    patience patient;
    const time now = core_use::clock::now();
    core.leave(now - 1h);
    SECTION("and it works there still") { core.work(); }
    SECTION("and it left a moment ago") { core.leave(now - patience::too_long / 2); }
    patient.core_is_back(core, now - 1h, now);
    CHECK_FALSE(core.is_kept());
}

TEST_CASE("a core is kept no longer than what was lost makes up for", "[patience]") {
    core_use core;
    patience patient;
    const time now = core_use::clock::now();
    core.leave(now - 2h);
    patient.core_is_back(core, now - 2h, now - 2h + patience::too_long);  // two hours ago
    CHECK_FALSE(core.is_kept());
}

TEST_CASE("a core that is lost again and again is kept for longer, one that was lost once is not", "[patience]") {
    core_use core;
    patience patient;
    const time back = core_use::clock::now() - 4h;
    const auto is_lost_for_an_hour = [&] {
        core.leave(back - 1h);
        patient.core_is_back(core, back - 1h, back);
    };
    is_lost_for_an_hour();
    CHECK_FALSE(core.is_kept());  // for two hours: that is over
    is_lost_for_an_hour();
    CHECK(core.is_kept());
    is_lost_for_an_hour();
    CHECK(core.is_kept());

    const auto offers_go_well = [&](int offers) {
        for (int i = 0; i < offers; ++i) {
            core.leave(back);
            patient.core_is_back(core, back, back + 1us);
        }
    };
    offers_go_well(3);  // between two turns of another program
    is_lost_for_an_hour();
    CHECK(core.is_kept());
    offers_go_well(200);  // there is none any more
    is_lost_for_an_hour();
    CHECK_FALSE(core.is_kept());
}

TEST_CASE("waits that end in sleep three times in a row are not tried again at once", "[patience]") {
    patience patient;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(patient.is_gone());
        CHECK(patient.pauses() > 0);
        patient.sleeps();
    }
    CHECK(patient.is_gone());
    CHECK(patient.pauses() == 0);
    patient.paid_off();
    CHECK(patient.pauses() > 0);
}

TEST_CASE("waits that bring some items at a time are tried again all the same", "[patience]") {
    patience patient;
    for (int i = 0; i < 9; ++i) {
        CHECK(patient.pauses() > 0);
        patient.sleeps();
        patient.brought(1000);
    }
}

/// Offers the core so often that `patient` has paused alone for a millisecond, for so many items in all.
void pause_alone(patience& patient, std::size_t items) {
    core_use core;
    const time now = core_use::clock::now();
    for (int i = 0; i < 200; ++i) patient.core_is_back(core, now - 5us, now);
    patient.brought(items);
}

TEST_CASE("who pauses for each item and is alone on a core sleeps for a while", "[patience]") {
    patience patient;
    CHECK(patient.nap_of(1'000) == 0ns);
    pause_alone(patient, 200);  // 5 us each
    CHECK(patient.nap_of(1'000) == patience::longest_nap);
    CHECK(patient.nap_of(1'000) == 0ns);  // that was it
}

TEST_CASE("a nap is over before the other side has to wait", "[patience]") {
    patience patient;
    pause_alone(patient, 200);
    CHECK(patient.nap_of(16) == 40us);  // half of what 16 items take
    pause_alone(patient, 200);
    CHECK(patient.nap_of(4) == 0ns);
    pause_alone(patient, 100'000);  // 10 ns each: 1,000 of them are soon there
    CHECK(patient.nap_of(1'000) == 0ns);
    pause_alone(patient, 200);
    CHECK(patient.nap_of(std::numeric_limits<std::size_t>::max()) == patience::longest_nap);
}

TEST_CASE("who has slept has not paused alone", "[patience]") {
    patience patient;
    pause_alone(patient, 200);
    patient.sleeps();
    CHECK(patient.nap_of(1'000) == 0ns);
}

TEST_CASE("pauses in which others had the core are not alone", "[patience]") {
    core_use core;
    patience patient;
    const time now = core_use::clock::now();
    core.work();
    for (int i = 0; i < 200; ++i) patient.core_is_back(core, now - 20us, now);
    CHECK(patient.nap_of(1'000) == 0ns);
}

}  // namespace
}  // namespace detail_patience_tests
