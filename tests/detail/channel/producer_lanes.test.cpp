#include <parallelpipe/detail/channel/producer_lanes.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <thread>

// producer_lanes: chunks of several producers reach the consumers in order, new chunks and reused ones.
namespace detail_producer_lanes_tests {

namespace detail = parallelpipe::detail;

namespace {

constexpr std::size_t chunk_size = 1;  // each item has a chunk of its own, so the queue of chunks does all the work

struct Payload : detail::chunk {
    int value = 0;
};

/// A producer with a lane of its own.
class Producer {
public:
    explicit Producer(detail::producer_lanes& producer_lanes) : lanes_(producer_lanes), mine_(producer_lanes.open()) {}

    void push(int value, bool may_reuse) {
        auto* opened = static_cast<Payload*>(may_reuse ? detail::producer_lanes::reuse(mine_) : nullptr);
        if (!opened) {
            opened = new Payload;
            detail::producer_lanes::adopt(mine_, *opened);
        }
        {
            const detail::producer_lanes::change opening(mine_);
            lanes_.announce(mine_, *opened, any_ ? chunk_size : 0);
        }
        any_ = true;
        opened->value = value;
        opened->filled.store(1, std::memory_order_release);
    }

private:
    detail::producer_lanes& lanes_;
    detail::lane& mine_;
    bool any_ = false;
};

struct PayloadLanes : detail::producer_lanes {
    ~PayloadLanes() {
        for_each_chunk([](detail::chunk& at) { delete static_cast<Payload*>(&at); });
    }
};

}  // namespace

// The queue of chunks reuses its blocks and orders this with fences, which ThreadSanitizer does not support: without
// tsan_unchecked in the library it would report a data race here.
TEST_CASE("lanes pass on new and reused chunks in order", "[lanes]") {
    constexpr int count = 20'000;
    PayloadLanes producer_lanes;
    Producer from(producer_lanes);
    std::atomic<int> read{0};
    bool in_order = true;
    std::jthread reader([&] {
        for (int expected = 0; expected != count;) {
            const std::size_t taken =
                producer_lanes.take(chunk_size, 8, [&](detail::chunk& at, std::size_t some) {
                    const int found = static_cast<Payload&>(at).value;
                    in_order = in_order && found == expected;
                    ++expected;  // counts wrong numbers too, so the loop ends
                    at.taken += some;
                });
            read.fetch_add(static_cast<int>(taken), std::memory_order_relaxed);
            if (taken == 0) std::this_thread::yield();
        }
    });
    for (int i = 0; i < count; ++i) {
        from.push(i, i % 3 != 0);
        while (i - read.load(std::memory_order_relaxed) > 40) std::this_thread::yield();
    }
    reader.join();
    CHECK(in_order);
    CHECK(producer_lanes.pushed() == count);
}

}  // namespace detail_producer_lanes_tests
