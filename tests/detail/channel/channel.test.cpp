#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/channel/channel_producer.hpp>

#include "support/catch.hpp"
#include "support/counted.hpp"
#include "support/scarce_memory.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace detail_channel_tests {

using namespace parallelpipe;
using detail::channel_producer;
using detail::item_channel;
using support::Counted;
using support::Tally;

namespace {

constexpr auto no_wait = [] {};

/// A consumer that keeps what it has taken to itself.
template <class T>
class Reader : public detail::reader_state {
public:
    explicit Reader(item_channel<T>& channel) : channel_(channel) { channel_.add(*this); }
    ~Reader() override { channel_.remove(*this); }

    template <class Place, class BeforeSleep>
    std::size_t take(std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        return channel_.take(*this, most, place, before_sleep);
    }
    template <class Place>
    std::size_t try_take(std::size_t most, Place&& place) {
        return channel_.try_take(*this, most, place, false).value_or(0);
    }

private:
    item_channel<T>& channel_;
};

/// A consumer that takes several items and lets siblings steal those it has not begun.
class SharingReader : public detail::prefetched_items<int> {
public:
    explicit SharingReader(item_channel<int>& channel) : channel_(channel) {
        begun = items_.data();
        last = items_.data();
        channel_.add(*this);
        channel_.share(*this);
    }
    ~SharingReader() override { channel_.remove(*this); }

    template <class Place, class BeforeSleep>
    std::size_t take(std::size_t most, Place&& place, BeforeSleep&& before_sleep) {
        return channel_.take(*this, most, place, before_sleep);
    }
    /// Takes up to `most` and begins the first one.
    std::size_t take_ahead(std::size_t most) {
        begun = items_.data();
        last = items_.data();
        const auto place = [this](int&& item) {
            int* const to = last.load();
            *to = item;
            if (to == items_.data()) {
                begun = to + 1;
                first = to;
                first_number = taken_number;
            }
            last = to + 1;
        };
        return take(most, place, no_wait);
    }
    void give_the_rest_back() { channel_.give_back(*this, begun.load()); }
    std::ptrdiff_t unbegun() const { return last.load() - begun.load(); }
    template <class Drop>
    bool settle(std::uint64_t number, Drop drop) {
        return channel_.settle(*this, number, drop);
    }

private:
    item_channel<int>& channel_;
    std::array<int, 64> items_{};
};

/// The next item, or nothing at the end of the stream. Gives its slot back.
template <class T, class Consumer>
std::optional<T> next(item_channel<T>& channel, Consumer& consumer) {
    std::optional<T> item;
    if (consumer.take(1, [&](T&& taken) { item.emplace(std::move(taken)); }, no_wait) != 0)
        channel.return_slots(1);
    return item;
}

template <class T>
std::optional<T> try_next(item_channel<T>& channel, Reader<T>& consumer) {
    std::optional<T> item;
    if (consumer.try_take(1, [&](T&& taken) { item.emplace(std::move(taken)); }) != 0)
        channel.return_slots(1);
    return item;
}

/// How many numbers come in a row from 0, to the end of the stream or another one.
int count_up(item_channel<int>& channel, Reader<int>& consumer) {
    int expected = 0;
    while (const auto item = next(channel, consumer)) {
        if (*item != expected) break;
        ++expected;
    }
    return expected;
}

/// A consumer has taken eight items and begun the first; beside it is an idle one.
struct EightTakenAhead {
    EightTakenAhead() {
        for (int i = 0; i < 8; ++i) REQUIRE(producer.push(int{i}));
        REQUIRE(slow.take_ahead(8) == 8);
    }

    item_channel<int> channel{0, 1, 2};
    channel_producer<int> producer{channel};
    SharingReader slow{channel};
    SharingReader idle{channel};
};

}  // namespace

TEST_CASE("a channel of one producer and one consumer keeps the order", "[channel]") {
    const std::size_t capacity = GENERATE(0u, 1u, 2u, 8u, 1024u);
    constexpr int count = 20000;
    item_channel<int> channel(capacity, 1, 1);
    std::jthread producing([&] {
        {
            channel_producer<int> producer(channel);
            for (int i = 0; i < count; ++i)
                if (!producer.push(int{i})) break;
        }
        channel.producer_left();
    });
    Reader<int> consumer(channel);
    CHECK(count_up(channel, consumer) == count);
    channel.close();
}

TEST_CASE("a producer goes on after what a session has pushed", "[channel]") {
    const std::size_t capacity = GENERATE(0u, 2u, 1024u);
    constexpr int count = 3000;  // many chunks, none of which a session ends with
    item_channel<int> channel(capacity, 1, 1);
    std::jthread producing([&] {
        {
            channel_producer<int> producer(channel);
            bool wanted = true;
            for (int i = 0; wanted && i < count;) {
                {
                    channel_producer<int>::session session(producer);
                    for (const int end = std::min(i + 7, count); wanted && i < end; ++i)
                        wanted = session.push(int{i});
                }
                if (wanted && i < count) wanted = producer.push(int{i++});
            }
        }
        channel.producer_left();
    });
    Reader<int> consumer(channel);
    CHECK(count_up(channel, consumer) == count);
    channel.close();
}

TEST_CASE("what a session could not push stays as it was, and what it pushed is the channel's", "[channel]") {
    Tally tally;
    {
        item_channel<Counted> channel(8, 1, 1);
        channel_producer<Counted> producer(channel);
        Counted item(tally, 5);
        {
            channel_producer<Counted>::session session(producer);
            CHECK(session.push(Counted(tally, 1)));
            channel.close();
            CHECK_FALSE(session.push(std::move(item)));
        }
        CHECK_FALSE(producer.push(std::move(item)));
        CHECK(item.value == 5);
        CHECK(channel.size_approx() == 1);
        CHECK(tally.alive == 2);
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("each producer's items keep their order among several producers", "[channel]") {
    constexpr int producers = 3;
    constexpr int count = 5000;
    item_channel<std::pair<int, int>> channel(8, producers, 1);
    std::vector<std::jthread> threads;
    for (int p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            {
                channel_producer<std::pair<int, int>> producer(channel);
                for (int i = 0; i < count; ++i)
                    if (!producer.push({p, i})) break;
            }
            channel.producer_left();
        });
    Reader<std::pair<int, int>> consumer(channel);
    std::vector<int> expected(producers, 0);
    bool in_order = true;
    while (const auto item = next(channel, consumer))
        in_order = in_order && item->second == expected[static_cast<std::size_t>(item->first)]++;
    CHECK(in_order);
    CHECK(expected == std::vector<int>(producers, count));
}

TEST_CASE("every item of N producers reaches exactly one of M consumers", "[channel]") {
    const std::size_t capacity = GENERATE(0u, 1u, 8u);
    const std::size_t producers = GENERATE(1u, 4u);
    const std::size_t consumers = GENERATE(1u, 3u);
    const std::size_t at_once = GENERATE(1u, 5u);
    constexpr std::size_t count = 2000;
    item_channel<std::size_t> channel(capacity, producers, consumers);
    std::vector<std::vector<std::size_t>> got(consumers);
    {
        std::vector<std::jthread> threads;
        for (std::size_t p = 0; p < producers; ++p)
            threads.emplace_back([&, p] {
                {
                    channel_producer<std::size_t> producer(channel);
                    for (std::size_t i = 0; i < count; ++i)
                        if (!producer.push(p * count + i)) break;
                }
                channel.producer_left();
            });
        for (std::size_t c = 0; c < consumers; ++c)
            threads.emplace_back([&, c] {
                Reader<std::size_t> consumer(channel);
                const auto keep = [&](std::size_t&& item) { got[c].push_back(item); };
                while (const std::size_t taken = consumer.take(at_once, keep, no_wait)) {
                    channel.return_slots(static_cast<std::ptrdiff_t>(taken));
                }
                channel.consumer_left();
            });
    }
    std::vector<std::size_t> all;
    for (const auto& part : got) all.insert(all.end(), part.begin(), part.end());
    std::sort(all.begin(), all.end());
    std::vector<std::size_t> expected(producers * count);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    CHECK(all == expected);
}

TEST_CASE("an item can be taken as soon as push has returned", "[channel]") {
    item_channel<int> channel(8, 1, 1);
    channel_producer<int> producer(channel);
    Reader<int> consumer(channel);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(producer.push(int{i}));
        REQUIRE(try_next(channel, consumer) == i);
        REQUIRE_FALSE(try_next(channel, consumer));
    }
}

TEST_CASE("a channel says how much fits into it", "[channel]") {
    CHECK(item_channel<int>(0, 1, 1).capacity() == 0);
    CHECK(item_channel<int>(7, 2, 2).capacity() == 7);
}

// ---- the end of the stream ------------------------------------------------------------------

TEST_CASE("the stream ends only after the last producer has left", "[channel]") {
    item_channel<int> channel(8, 2, 1);
    auto first = std::make_unique<channel_producer<int>>(channel);
    channel_producer<int> second(channel);
    REQUIRE(first->push(1));
    first.reset();
    channel.producer_left();

    std::atomic<int> taken{0};
    std::binary_semaphore has_one(0);
    std::atomic<bool> ended{false};
    std::jthread consuming([&] {
        Reader<int> consumer(channel);
        while (next(channel, consumer)) {
            ++taken;
            has_one.release();
        }
        ended = true;
    });
    has_one.acquire();
    // One producer is gone and the queue is empty; the other one still has something.
    REQUIRE(second.push(2));
    has_one.acquire();
    CHECK_FALSE(ended);
    channel.producer_left();
    consuming.join();
    CHECK(ended);
    CHECK(taken == 2);
}

TEST_CASE("what was pushed before the end is handed out before the end", "[channel]") {
    item_channel<int> channel(0, 1, 1);
    {
        channel_producer<int> producer(channel);
        for (int i = 0; i < 10; ++i) REQUIRE(producer.push(int{i}));
    }
    channel.producer_left();
    Reader<int> consumer(channel);
    for (int i = 0; i < 10; ++i) REQUIRE(next(channel, consumer) == i);
    CHECK_FALSE(next(channel, consumer));
}

TEST_CASE("the end of the stream is seen by every consumer, again and again", "[channel]") {
    item_channel<int> channel(8, 1, 3);
    channel.producer_left();
    std::atomic<int> ends{0};
    {
        std::vector<std::jthread> threads;
        for (int c = 0; c < 3; ++c)
            threads.emplace_back([&] {
                Reader<int> consumer(channel);
                for (int again = 0; again < 2; ++again)
                    if (!next(channel, consumer)) ++ends;
            });
    }
    CHECK(ends == 6);
}

// ---- waiting and waking ---------------------------------------------------------------------

TEST_CASE("never more items wait than the capacity", "[channel]") {
    const std::size_t capacity = GENERATE(1u, 8u);
    const std::size_t producers = GENERATE(1u, 3u);
    constexpr int count = 2000;
    item_channel<int> channel(capacity, producers, 1);
    std::atomic<long> begun{0};
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p)
        threads.emplace_back([&] {
            {
                channel_producer<int> producer(channel);
                for (int i = 0; i < count; ++i) {
                    ++begun;
                    if (!producer.push(int{i})) break;
                }
            }
            channel.producer_left();
        });
    Reader<int> consumer(channel);
    long taken = 0;
    long most = 0;
    while (next(channel, consumer)) {
        ++taken;
        most = std::max(most, begun.load() - taken);
        if (taken % 16 == 0) std::this_thread::yield();  // lets the producers fill it up
    }
    CHECK(taken == static_cast<long>(producers) * count);
    // What waits, plus the one that each producer has begun to push.
    CHECK(most <= static_cast<long>(capacity + producers));
}

TEST_CASE("a full channel takes as many items as its capacity and not one more", "[channel]") {
    const std::size_t capacity = GENERATE(1u, 2u, 8u);
    item_channel<int> channel(capacity, 1, 1);
    std::atomic<std::size_t> pushed{0};
    std::latch full(static_cast<std::ptrdiff_t>(capacity));
    std::jthread producing([&] {
        {
            channel_producer<int> producer(channel);
            while (producer.push(1)) {
                ++pushed;
                if (pushed <= capacity) full.count_down();
            }
        }
        channel.producer_left();
    });
    full.wait();
    // The producer is on its way into a push for which there is no room.
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    CHECK(pushed == capacity);
    channel.close();
    producing.join();
    CHECK(pushed == capacity);
}

TEST_CASE("an unlimited channel never makes its producer wait", "[channel]") {
    item_channel<int> channel(0, 1, 1);
    channel_producer<int> producer(channel);
    for (int i = 0; i < 100000; ++i)
        if (!producer.push(int{i})) FAIL("refused");
    Reader<int> consumer(channel);
    CHECK(try_next(channel, consumer) == 0);
}

TEST_CASE("a producer that waits for room is woken by a consumer", "[channel]") {
    item_channel<int> channel(1, 1, 1);
    std::binary_semaphore first_in(0);
    std::atomic<bool> second_in{false};
    std::jthread producing([&] {
        channel_producer<int> producer(channel);
        if (producer.push(1)) first_in.release();
        second_in = producer.push(2);
    });
    first_in.acquire();
    CHECK_FALSE(second_in);
    Reader<int> consumer(channel);
    CHECK(next(channel, consumer) == 1);
    CHECK(next(channel, consumer) == 2);
    producing.join();
    CHECK(second_in);
}

TEST_CASE("a producer that waits for room is woken by the end of the run", "[channel]") {
    const bool by_abort = GENERATE(false, true);
    item_channel<int> channel(1, 2, 1);
    std::counting_semaphore<2> about_to_wait(0);
    std::atomic<int> refused{0};
    std::atomic<int> accepted{0};
    {
        std::vector<std::jthread> threads;
        for (int p = 0; p < 2; ++p)
            threads.emplace_back([&] {
                channel_producer<int> producer(channel);
                about_to_wait.release();
                while (producer.push(1)) ++accepted;
                ++refused;
            });
        about_to_wait.acquire();
        about_to_wait.acquire();
        for (int i = 0; i < 100; ++i) std::this_thread::yield();
        if (by_abort)
            channel.abort();
        else
            channel.close();
    }
    CHECK(refused == 2);
    CHECK(accepted <= 1);
}

TEST_CASE("all consumers that wait for an item are woken by abort()", "[channel]") {
    item_channel<int> channel(8, 1, 3);
    std::counting_semaphore<3> about_to_wait(0);
    std::atomic<int> ended{0};
    {
        std::vector<std::jthread> threads;
        for (int c = 0; c < 3; ++c)
            threads.emplace_back([&] {
                Reader<int> consumer(channel);
                bool slept = false;
                const auto before = [&] {
                    if (!std::exchange(slept, true)) about_to_wait.release();
                };
                if (consumer.take(1, [](int&&) {}, before) == 0) ++ended;
            });
        for (int c = 0; c < 3; ++c) about_to_wait.acquire();
        channel.abort();
    }
    CHECK(ended == 3);
}

TEST_CASE("a consumer that waits for an item is woken by a push", "[channel]") {
    item_channel<int> channel(8, 1, 1);
    channel_producer<int> producer(channel);
    std::counting_semaphore<> asked(0);
    std::atomic<int> sum{0};
    std::jthread consuming([&] {
        Reader<int> consumer(channel);
        const auto keep = [&](int&& item) { sum += item; };
        while (consumer.take(1, keep, [&] { asked.release(); }) != 0) channel.return_slots(1);
    });
    for (int i = 0; i < 200; ++i) {
        asked.acquire();  // it found the channel empty
        REQUIRE(producer.push(1));
    }
    channel.producer_left();
    consuming.join();
    CHECK(sum == 200);
}

TEST_CASE("no wake-up is lost between one producer and one consumer at capacity one", "[channel]") {
    item_channel<int> there(1, 1, 1);
    item_channel<int> back(1, 1, 1);
    constexpr int rounds = 5000;
    std::jthread echo([&] {
        Reader<int> consumer(there);
        channel_producer<int> producer(back);
        while (auto item = next(there, consumer))
            if (!producer.push(std::move(*item))) break;
        back.producer_left();
    });
    channel_producer<int> producer(there);
    Reader<int> consumer(back);
    int i = 0;
    while (i < rounds && producer.push(int{i}) && next(back, consumer) == i) ++i;
    there.producer_left();
    CHECK(i == rounds);
    CHECK_FALSE(next(back, consumer));
}

// ---- closing --------------------------------------------------------------------------------

TEST_CASE("the last consumer knows that it is, and once it has closed, pushes leave the item whole",
          "[channel]") {
    item_channel<std::unique_ptr<int>> channel(8, 1, 2);
    channel_producer<std::unique_ptr<int>> producer(channel);
    CHECK_FALSE(channel.consumer_left());
    CHECK_FALSE(channel.is_closed());
    CHECK(producer.push(std::make_unique<int>(1)));
    CHECK(channel.consumer_left());
    channel.close();
    CHECK(channel.is_closed());
    auto item = std::make_unique<int>(2);
    CHECK_FALSE(producer.push(std::move(item)));
    REQUIRE(item);
    CHECK(*item == 2);
}

TEST_CASE("what is in a closed channel can still be read", "[channel]") {
    item_channel<int> channel(8, 1, 1);
    {
        channel_producer<int> producer(channel);
        REQUIRE(producer.push(1));
        REQUIRE(producer.push(2));
        channel.close();
        REQUIRE_FALSE(producer.push(3));
    }
    channel.producer_left();
    Reader<int> consumer(channel);
    CHECK(next(channel, consumer) == 1);
    CHECK(next(channel, consumer) == 2);
    CHECK_FALSE(next(channel, consumer));
}

TEST_CASE("an aborted channel hands nothing out", "[channel]") {
    item_channel<int> channel(8, 1, 1);
    channel_producer<int> producer(channel);
    REQUIRE(producer.push(1));
    channel.abort();
    CHECK(channel.is_aborted());
    CHECK(channel.is_closed());
    CHECK_FALSE(producer.push(2));
    Reader<int> consumer(channel);
    CHECK_FALSE(next(channel, consumer));
}

// ---- what a consumer takes ahead ------------------------------------------------------------

TEST_CASE("items given back reach a sibling in their order, before newer ones", "[channel]") {
    item_channel<int> channel(8, 1, 2);
    channel_producer<int> producer(channel);
    SharingReader leaving(channel);
    Reader<int> staying(channel);
    for (int i = 0; i < 3; ++i) REQUIRE(producer.push(int{i}));
    REQUIRE(leaving.take_ahead(3) == 3);
    REQUIRE(producer.push(3));
    leaving.give_the_rest_back();
    channel.return_slots(1);
    std::vector<int> rest;
    for (int i = 0; i < 3; ++i) rest.push_back(next(channel, staying).value_or(-1));
    CHECK(rest == std::vector{1, 2, 3});
    channel.producer_left();
    CHECK_FALSE(next(channel, staying));
}

TEST_CASE("what a leaving consumer had taken ahead reaches a sibling that waits", "[channel]") {
    const bool at_the_sentinel = GENERATE(false, true);
    for (int round = 0; round < 50; ++round) {
        item_channel<int> channel(8, 1, 2);
        {
            channel_producer<int> producer(channel);
            for (int i = 0; i < 3; ++i) REQUIRE(producer.push(int{i}));
        }
        if (at_the_sentinel) channel.producer_left();
        std::optional<SharingReader> leaving(std::in_place, channel);
        REQUIRE(leaving->take_ahead(3) == 3);

        std::binary_semaphore found_it_empty(0);
        std::atomic<int> sum{0};
        std::jthread sibling([&] {
            Reader<int> staying(channel);
            bool told = false;
            const auto tell = [&] {
                if (!std::exchange(told, true)) found_it_empty.release();
            };
            while (staying.take(1, [&](int&& item) { sum += item; }, tell) != 0)
                channel.return_slots(1);
            channel.consumer_left();
            if (!told) found_it_empty.release();
        });
        found_it_empty.acquire();
        for (int i = 0; i < round; ++i) std::this_thread::yield();
        leaving->give_the_rest_back();  // unless they have been stolen already
        CHECK(leaving->unbegun() == 0);
        leaving.reset();
        channel.return_slots(1);
        channel.consumer_left();
        if (!at_the_sentinel) channel.producer_left();
        sibling.join();
        REQUIRE(sum == 3);
    }
}

TEST_CASE("a consumer that finds nothing steals what a sibling has taken and not begun",
          "[channel]") {
    EightTakenAhead items;
    auto& [channel, producer, slow, idle] = items;
    std::set<int> stolen;
    for (int i = 0; i < 7; ++i) {
        int item = -1;
        REQUIRE(idle.take(1, [&](int&& taken) { item = taken; }, no_wait) == 1);
        stolen.insert(item);
    }
    CHECK(stolen == std::set{1, 2, 3, 4, 5, 6, 7});
    CHECK(slow.unbegun() == 0);
    CHECK(slow.attention);
    CHECK(slow.settle(0, [] {}));
    CHECK_FALSE(slow.attention);
    channel.producer_left();
    CHECK(idle.take(1, [](int&&) {}, no_wait) == 0);
    CHECK(slow.take(1, [](int&&) {}, no_wait) == 0);
}

TEST_CASE("a consumer without memory to steal waits for what comes, and does not take that for the end",
          "[channel][memory]") {
    EightTakenAhead items;
    auto& [channel, producer, slow, idle] = items;
    const auto taken = [&] {
        int item = -1;
        idle.take(1, [&](int&& one) { item = one; }, no_wait);
        return item;
    };

    std::jthread late([&] {
        support::give_it_a_chance();
        if (producer.push(8)) channel.producer_left();
    });
    support::lose_next(support::Memory::any, 1000);
    const int waited_for = taken();
    support::lose_next(support::Memory::any, 0);
    CHECK(waited_for == 8);
    CHECK(slow.unbegun() == 7);

    late.join();
    support::lose_next(support::Memory::any);
    CHECK_THROWS_AS(taken(), std::bad_alloc);
    CHECK(slow.unbegun() == 7);
    support::lose_next(support::Memory::any, 1, 2);  // four are asked for: two come
    CHECK(taken() == 6);
    CHECK(slow.unbegun() == 5);
    CHECK(taken() == 7);
    std::set<int> stolen;
    for (int i = 0; i < 5; ++i) stolen.insert(taken());
    CHECK(stolen == std::set{1, 2, 3, 4, 5});
    CHECK(taken() == -1);
}

TEST_CASE("a consumer does not steal while something waits in the queue", "[channel]") {
    item_channel<int> channel(0, 1, 2);
    channel_producer<int> producer(channel);
    SharingReader slow(channel);
    Reader<int> other(channel);
    for (int i = 0; i < 5; ++i) REQUIRE(producer.push(int{i}));
    REQUIRE(slow.take_ahead(4) == 4);
    CHECK(next(channel, other) == 4);
    CHECK(slow.unbegun() == 3);
    CHECK_FALSE(slow.attention);
}

TEST_CASE("a stop gets the attention of every reader", "[channel]") {
    item_channel<int> channel(8, 1, 2);
    channel_producer<int> producer(channel);
    SharingReader holding(channel);
    Reader<int> other(channel);
    for (int i = 0; i < 3; ++i) REQUIRE(producer.push(int{i}));
    REQUIRE(holding.take_ahead(3) == 3);
    channel.abort();
    CHECK(holding.attention);
    CHECK(other.attention);
    bool dropped = false;
    CHECK_FALSE(holding.settle(0, [&] { dropped = true; }));
    CHECK(dropped);

    item_channel<int> later(8, 1, 1);
    later.abort();
    CHECK_FALSE(next(later, *std::make_unique<Reader<int>>(later)));
}

// ---- the items themselves -------------------------------------------------------------------

TEST_CASE("a channel moves an item in and out and copies nothing", "[channel]") {
    Tally tally;
    item_channel<Counted> channel(8, 1, 1);
    channel_producer<Counted> producer(channel);
    Reader<Counted> consumer(channel);
    for (int i = 0; i < 10; ++i) {
        REQUIRE(producer.push(Counted(tally, i)));
        int value = -1;
        REQUIRE(consumer.take(1, [&](Counted&& item) { value = item.value; }, no_wait) == 1);
        channel.return_slots(1);
        REQUIRE(value == i);
    }
    CHECK(tally.copies == 0);
    CHECK(tally.moves <= 20);
    CHECK(tally.alive == 0);
}

TEST_CASE("items that no reader took die with their channel", "[channel]") {
    const bool aborted = GENERATE(false, true);
    Tally tally;
    {
        item_channel<Counted> channel(0, 1, 2);
        channel_producer<Counted> producer(channel);
        for (int i = 0; i < 1000; ++i)
            if (!producer.push(Counted(tally, i))) FAIL("refused");
        CHECK(tally.alive == 1000);
        if (aborted) channel.abort();
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("size_approx counts what waits", "[channel]") {
    item_channel<int> channel(8, 1, 1);
    channel_producer<int> producer(channel);
    CHECK(channel.size_approx() == 0);
    REQUIRE(producer.push(1));
    REQUIRE(producer.push(2));
    CHECK(channel.size_approx() == 2);
}

TEST_CASE("over-aligned items stay aligned on their way", "[channel]") {
    struct alignas(128) Wide {
        int value;
    };
    item_channel<Wide> channel(0, 1, 1);
    channel_producer<Wide> producer(channel);
    for (int i = 0; i < 50; ++i) REQUIRE(producer.push(Wide{i}));
    Reader<Wide> consumer(channel);
    for (int i = 0; i < 50; ++i) {
        bool aligned = false;
        int value = -1;
        const auto look = [&](Wide&& item) {
            aligned = reinterpret_cast<std::uintptr_t>(&item) % alignof(Wide) == 0;
            value = item.value;
        };
        REQUIRE(consumer.take(1, look, no_wait) == 1);
        CHECK(aligned);
        CHECK(value == i);
    }
}

namespace {

/// Its move throws once armed.
struct ThrowingMove {
    ThrowingMove(Tally& t, int v, bool throws_now) : counted(t, v), throws(throws_now) {}
    ThrowingMove(ThrowingMove&& other) : counted(check(other)), throws(other.throws) {}

    Counted counted;
    bool throws;

private:
    static Counted&& check(ThrowingMove& other) {
        if (other.throws) throw std::runtime_error("move");
        return std::move(other.counted);
    }
};

}  // namespace

TEST_CASE("an item whose move throws in push is not in the channel", "[channel][errors]") {
    Tally tally;
    {
        item_channel<ThrowingMove> channel(8, 1, 1);
        channel_producer<ThrowingMove> producer(channel);
        REQUIRE(producer.push(ThrowingMove(tally, 1, false)));
        CHECK_THROWS_AS(static_cast<void>(producer.push(ThrowingMove(tally, 2, true))),
                        std::runtime_error);
        REQUIRE(producer.push(ThrowingMove(tally, 3, false)));
        Reader<ThrowingMove> consumer(channel);
        std::vector<int> seen;
        const auto keep = [&](ThrowingMove&& item) { seen.push_back(item.counted.value); };
        while (consumer.try_take(1, keep) != 0) channel.return_slots(1);
        CHECK(seen == std::vector{1, 3});
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("pushes whose moves throw do not use the channel's room up", "[channel][errors]") {
    Tally tally;
    item_channel<ThrowingMove> channel(2, 1, 1);
    std::atomic<int> thrown{0};
    std::atomic<bool> in{false};
    std::binary_semaphore done(0);
    std::jthread pushing([&] {
        channel_producer<ThrowingMove> producer(channel);
        for (int i = 0; i < 5; ++i) {
            try {
                if (!producer.push(ThrowingMove(tally, i, true))) break;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        }
        in = producer.push(ThrowingMove(tally, 9, false));
        done.release();
    });
    // No reader takes an item: if the failed pushes had kept their slots, this would wait for ever.
    using namespace std::chrono_literals;
    const bool in_time = done.try_acquire_for(support::longest_wait);
    if (!in_time) channel.close();
    pushing.join();
    CHECK(in_time);
    CHECK(in);
    CHECK(thrown == 5);
}

TEST_CASE("an exception from placing an item leaves take(), and the others stay",
          "[channel][errors]") {
    Tally tally;
    {
        item_channel<ThrowingMove> channel(8, 1, 1);
        {
            channel_producer<ThrowingMove> producer(channel);
            for (int i = 0; i < 3; ++i) REQUIRE(producer.push(ThrowingMove(tally, i, false)));
        }
        channel.producer_left();
        Reader<ThrowingMove> consumer(channel);
        const auto fail = [](ThrowingMove&&) { throw std::logic_error("place"); };
        CHECK_THROWS_AS(consumer.take(1, fail, no_wait), std::logic_error);
        std::vector<int> seen;
        const auto keep = [&](ThrowingMove&& item) { seen.push_back(item.counted.value); };
        while (consumer.take(1, keep, no_wait) != 0) channel.return_slots(1);
        CHECK(seen == std::vector{1, 2});
    }
    CHECK(tally.alive == 0);
}

TEST_CASE("a consumer's fair share leaves something for its siblings", "[channel]") {
    item_channel<int> channel(0, 1, 2);
    channel_producer<int> producer(channel);
    CHECK(channel.fair_share(64) == 1);
    for (int i = 0; i < 80; ++i) REQUIRE(producer.push(int{i}));
    CHECK(channel.fair_share(64) == 10);
    CHECK(channel.fair_share(4) == 4);
}

}  // namespace detail_channel_tests
