#include <parallelpipe/detail/channel/producer_lanes.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <thread>

namespace detail_lanes_tests {

namespace detail = parallelpipe::detail;

namespace {

constexpr std::size_t chunk_size = 1;  // each item has a chunk: the queue of chunks is all there is

struct Payload : detail::chunk {
    int value = 0;
};

/// A producer of `lanes`, which it shares with nobody.
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

// The queue of chunks uses its blocks again, which it orders by fences: a ThreadSanitizer that looked into
// it would report a data race here.
TEST_CASE("lanes carry chunks in order, new ones and used ones", "[lanes]") {
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
                    ++expected;  // whatever came: it ends
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

}  // namespace detail_lanes_tests
