#include <parallelpipe/detail/run/snapshot.hpp>

#include "support/catch.hpp"

namespace detail_run_statistics_tests {

using namespace parallelpipe;

TEST_CASE("items that a sibling took over before their reader counted them are no items of that reader",
          "[statistics]") {
    detail::worker_counters counted;
    counted.in.fetch_sub(2);  // as the sibling does
    CHECK(detail::begun(counted, nullptr) == 0);
    CHECK(detail::worker_statistics(counted, nullptr, 0, 1, false).items_in == 0);
    counted.in.fetch_add(5);  // as the reader does
    CHECK(detail::begun(counted, nullptr) == 3);
}

}  // namespace detail_run_statistics_tests
