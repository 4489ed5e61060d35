#include <parallelpipe/detail/observe/alarm.hpp>
#include <parallelpipe/detail/observe/monitor_settings.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace detail_alarm_tests {

using namespace std::chrono_literals;
using parallelpipe::detail::alarm;
using parallelpipe::detail::monitor_settings;

TEST_CASE("an alarm that was not set never comes", "[monitor]") {
    CHECK_FALSE(alarm().is_due(alarm::time::max() - 1ns));
}

TEST_CASE("an alarm comes at regular moments, however late the caller is", "[monitor]") {
    const alarm::time start{1h};
    alarm each_second(start, 1s);
    CHECK_FALSE(each_second.is_due(start + 999ms));
    CHECK(each_second.is_due(start + 1s));
    each_second.advance(1s, start + 1'700ms);
    CHECK(each_second.at() == start + 2s);
}

TEST_CASE("an alarm skips the moments that its caller has missed", "[monitor]") {
    const alarm::time start{1h};
    alarm each_second(start, 1s);
    each_second.advance(1s, start + 10s);
    CHECK(each_second.at() == start + 10s);
    each_second.advance(1s, start + 10s);
    CHECK(each_second.at() == start + 11s);
}

TEST_CASE("a watchdog looks eight times before it acts, within limits", "[monitor]") {
    monitor_settings settings;
    CHECK_FALSE(settings.has_watchdog());
    settings.stall_after = 4s;
    CHECK(settings.has_watchdog());
    CHECK(settings.look_every() == 500ms);
    settings.cancel_after = 800ms;
    CHECK(settings.look_every() == 100ms);
    settings.cancel_after = 1ns;
    CHECK(settings.look_every() == 1ms);
    settings.stall_after = settings.cancel_after = 24h;
    CHECK(settings.look_every() == 1s);
}

}  // namespace detail_alarm_tests
