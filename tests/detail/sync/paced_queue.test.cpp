#include <parallelpipe/detail/sync/paced_queue.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace paced_queue_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;

namespace {

/// A pace as one thread uses it, which takes each turn, at once or after a wait.
class paced {
public:
    paced(double interval, std::size_t burst) : pace_(interval, burst) {}

    /// When the thread that came at `now` takes its turn if it is woken in time.
    detail::pace::clock::time_point next(detail::pace::clock::time_point now) {
        const auto ready = pace_.ready_at(now, now);
        pace_.take();
        return ready;
    }
    /// The same if it is woken so late.
    void next(detail::pace::clock::time_point came, detail::pace::clock::duration late) {
        const auto now = pace_.ready_at(came, came) + late;
        CHECK(pace_.ready_at(now, came) <= now);
        pace_.take_after_wait(now, came);
    }

private:
    detail::pace pace_;
};

}  // namespace

TEST_CASE("a pace makes up for a late wake-up, but not for a machine that stood still", "[rate_limit]") {
    const auto begin = detail::pace::clock::time_point(1h);
    // At 100 items a second: how much too early the item after a wake-up that was so late may leave.
    const auto ahead_after = [&](detail::pace::clock::duration late) {
        paced pace(1e7, 1);
        CHECK(pace.next(begin) == begin);
        pace.next(begin, late);
        const auto now = begin + 10ms + late;
        return now - pace.next(now);
    };
    CHECK(ahead_after(5ms) == -5ms);
    CHECK(ahead_after(50ms) == 40ms);
    CHECK(ahead_after(1h) == -10ms);
}

TEST_CASE("a pause after a late wake-up saves up no more than the burst", "[rate_limit]") {
    const auto begin = detail::pace::clock::time_point(1h);
    paced pace(1e6, 2);
    CHECK(pace.next(begin) == begin - 1ms);
    CHECK(pace.next(begin) == begin);
    pace.next(begin, 50ms);
    const auto now = begin + 9min;
    CHECK(pace.next(now) == now - 1ms);
    CHECK(pace.next(now) == now);
    CHECK(pace.next(now) == now + 1ms);
}

TEST_CASE("a pace bears a burst and an interval that last for ages", "[rate_limit]") {
    const auto begin = detail::pace::clock::time_point(1h);
    detail::pace burst(3.6e12, 1'000'000'000'000);
    for (int i = 0; i < 3; ++i) {
        CHECK(burst.ready_at(begin, begin) <= begin);
        burst.take();
    }
    detail::pace slow(1e300, 1);
    CHECK(slow.ready_at(begin, begin) == begin);
    slow.take();
    CHECK(slow.ready_at(begin, begin) > begin + std::chrono::hours(24 * 365 * 50));
}

TEST_CASE("a thread that waited for the threads before it has not paused", "[rate_limit]") {
    const auto begin = detail::pace::clock::time_point(1h);
    detail::pace pace(1e6, 1);
    CHECK(pace.ready_at(begin, begin) == begin);
    pace.take();
    // It came with the first, and is woken for its turn when ten more are due.
    const auto now = begin + 11ms;
    CHECK(pace.ready_at(now, begin) == begin + 1ms);
    pace.take_after_wait(now, begin);
    CHECK(pace.ready_at(now, now) == begin + 2ms);
}

}  // namespace paced_queue_tests
