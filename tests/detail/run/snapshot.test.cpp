#include <parallelpipe/detail/run/snapshot.hpp>

#include "support/catch.hpp"

// The statistics of a worker, from its counters.
namespace detail_snapshot_tests {

using namespace parallelpipe;

TEST_CASE("items that a sibling took over do not count for the worker that first took them",
          "[statistics]") {
    detail::worker_counters counters;
    counters.in.fetch_sub(2);  // the sibling takes two items over
    CHECK(detail::begun(counters, nullptr) == 0);
    CHECK(detail::worker_statistics(counters, nullptr, 0, 1, false).items_in == 0);
    counters.in.fetch_add(5);  // the reader counts its five items
    CHECK(detail::begun(counters, nullptr) == 3);
}

}  // namespace detail_snapshot_tests
