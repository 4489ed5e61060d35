#include <parallelpipe/detail/keyed/keyed_reader.hpp>

#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/channel/channel_producer.hpp>
#include <parallelpipe/detail/input/channel_reader.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>

namespace keyed_reader_tests {

using namespace parallelpipe;
using namespace parallelpipe::detail;

TEST_CASE("of keyed workers that have all left any can drain the channel", "[partition_by]") {
    constexpr std::size_t workers = 3;
    const std::size_t drains = GENERATE(0U, 1U, 2U);
    item_channel<int> channel(2, 1, workers);
    int pushed = 0;
    std::jthread producer([&] {
        {
            channel_producer<int> into(channel);
            while (pushed < 200 && into.push(int{pushed})) ++pushed;
        }
        channel.producer_left();
    });
    const auto router = typed_key_router_maker<int, std::identity>({}).begin(
        channel, owning_ptr<item_reader_base>(new channel_reader<int, int>(channel, 1)), workers);
    const owning_ptr<item_reader_base> readers[workers] = {router->open(0), router->open(1), router->open(2)};
    for (const owning_ptr<item_reader_base>& each : readers) each->give_back();
    readers[drains]->drain();
    producer.join();
    CHECK(pushed == 200);
    CHECK(channel.size_approx() == 0);
}

}  // namespace keyed_reader_tests
