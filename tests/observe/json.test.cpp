#include <parallelpipe/observe/json.hpp>

#include "support/catch.hpp"
#include "support/json.hpp"
#include "support/snapshot.hpp"

#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>

// to_json(): the statistics as JSON.
namespace json_tests {

using namespace parallelpipe;
using namespace std::chrono_literals;
using support::Json;
using support::read_json;
using support::Snapshot;

namespace {

Statistics example() {
    Snapshot run(10s, 4);
    run.range("source", 500, {.02, 0, .97, .02})
        .last([](auto& stage) {
            stage.queue = QueueStatistics{512, 498, 511, 480.25};
        })
        .stage("fetch", 3, 500, 499, {.27, .02, .71, .1})
        .last([](auto& stage) {
            stage.is_ordered = true;
            stage.failed = 5;
            stage.retried = 4;
            stage.skipped = 3;
            stage.each[1].failed = 5;
            stage.each[1].ready = 77ns;
            stage.ready = 77ns;
            stage.each[2].is_running = false;
            stage.each[0].activity = Activity::waiting_for_room;
            stage.each[0].waiting_since = 9s;
            stage.each[1].activity = Activity::busy;
            stage.each[2].activity = Activity::ended;
        })
        .sink("write", 1, 490, {.98, .01, .01, .95})
        .last([](auto& stage) { stage.is_keyed = true; });
    run.stats().samples = {{1s, {1, 2, 0}, {4, 5, 0}}, {2s, {6, 7, 0}, {8, 9, 0}}};
    return run;
}

void same(const Json& json, std::uint64_t number) {
    CHECK(json.kind == 'd');
    CHECK(json.text == std::to_string(number));
}
void same(const Json& json, std::chrono::nanoseconds time) {
    CHECK(json.text == std::to_string(time.count()));
}

template <class Counts>
void same_counts(const Json& json, const Counts& counts) {
    same(json.at("items_in"), counts.items_in);
    same(json.at("items_out"), counts.items_out);
    same(json.at("skipped"), counts.skipped);
    same(json.at("retried"), counts.retried);
    same(json.at("failed"), counts.failed);
    same(json.at("busy_ns"), counts.busy);
    same(json.at("waiting_for_input_ns"), counts.waiting_for_input);
    same(json.at("waiting_for_room_ns"), counts.waiting_for_room);
    same(json.at("cpu_ns"), counts.cpu);
    same(json.at("ready_ns"), counts.ready);
}

}  // namespace

TEST_CASE("the JSON has every number under its documented name", "[json]") {
    const Statistics stats = example();
    const Json json = read_json(to_json(stats));
    CHECK(json.size() == 8);
    same(json.at("schema"), 1);
    same(json.at("elapsed_ns"), 10s);
    CHECK(json.at("has_ended").is(false));
    same(json.at("cores"), 4);

    REQUIRE(json.at("stages").size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        const Json& stage = json.at("stages").at(i);
        const StageStatistics& expected = stats.stages[i];
        CHECK(stage.size() == 17);
        CHECK(stage.at("name").text == expected.name);
        same(stage.at("workers"), expected.workers);
        CHECK(stage.at("is_range").is(expected.is_range));
        CHECK(stage.at("is_ordered").is(expected.is_ordered));
        CHECK(stage.at("is_keyed").is(expected.is_keyed));
        same_counts(stage, expected);
        REQUIRE(stage.at("each").size() == expected.each.size());
        for (std::size_t k = 0; k < expected.each.size(); ++k) {
            const Json& worker = stage.at("each").at(k);
            CHECK(worker.size() == 13);
            same_counts(worker, expected.each[k]);
            CHECK(worker.at("is_running").is(expected.each[k].is_running));
            CHECK(worker.at("activity").text == to_string(expected.each[k].activity));
            same(worker.at("waiting_since_ns"), expected.each[k].waiting_since);
        }
    }
    const Json& queue = json.at("stages").at(0).at("queue");
    CHECK(queue.size() == 4);
    same(queue.at("capacity"), 512);
    same(queue.at("fill"), 498);
    same(queue.at("high_water"), 511);
    CHECK(queue.at("mean_fill").text == "480.25");
    CHECK(json.at("stages").at(2).at("queue").kind == 'n');
}

TEST_CASE("the JSON contains the consumer, the samples and the verdict", "[json]") {
    Statistics stats = example();
    stats.has_ended = true;
    stats.consumer = {.items = 7,
                      .waiting = 8ns,
                      .busy = 9ns,
                      .cpu = 10ns,
                      .ready = 11ns,
                      .activity = Activity::waiting_for_input,
                      .waiting_since = 12ns};
    const Json json = read_json(to_json(stats));
    CHECK(json.at("has_ended").is(true));
    same(json.at("consumer").at("items"), 7);
    same(json.at("consumer").at("waiting_ns"), 8ns);
    same(json.at("consumer").at("busy_ns"), 9ns);
    same(json.at("consumer").at("cpu_ns"), 10ns);
    same(json.at("consumer").at("ready_ns"), 11ns);
    CHECK(json.at("consumer").at("activity").text == "waiting_for_input");
    same(json.at("consumer").at("waiting_since_ns"), 12ns);
    CHECK(json.at("consumer").at("taken_by").text.empty());
    stats.consumer.taken_by = "execute()";
    CHECK(read_json(to_json(stats)).at("consumer").at("taken_by").text == "execute()");

    REQUIRE(json.at("samples").size() == 2);
    const Json& sample = json.at("samples").at(1);
    CHECK(sample.size() == 3);
    same(sample.at("at_ns"), 2s);
    REQUIRE(sample.at("items_out").size() == 3);
    same(sample.at("items_out").at(1), 7);
    same(sample.at("fill").at(0), 8);

    CHECK(json.at("verdict").at("kind").text == "cpu_bound");
    same(json.at("verdict").at("stage"), 2);
    CHECK(json.at("verdict").at("text").text == explain(stats).text);
}

TEST_CASE("the JSON of empty statistics is an object with all keys", "[json]") {
    const Json json = read_json(to_json(Statistics()));
    CHECK(json.size() == 8);
    CHECK(json.at("stages").size() == 0);
    CHECK(json.at("stages").kind == 'a');
    CHECK(json.at("samples").kind == 'a');
    CHECK(json.at("verdict").at("kind").text == "too_early");
    CHECK(json.at("verdict").at("stage").kind == 'n');
}

TEST_CASE("the JSON is valid whatever bytes a name has", "[json]") {
    std::string all;
    for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
    all += '\0';
    for (const std::string& name :
         {all, std::string("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x8D\xB0"), std::string()}) {
        const std::string text = to_json(Snapshot(1s).stage(name, 1, 0, 5, {1}));
        CHECK(read_json(text).at("stages").at(0).at("name").text == name);
        CHECK(text.find('\n') == std::string::npos);
    }
    const std::string lost = "\xEF\xBF\xBD";
    const auto read_back = [](const std::string& name) {
        return read_json(to_json(Snapshot(1s).stage(name, 1, 0, 5, {1})))
            .at("stages")
            .at(0)
            .at("name")
            .text;
    };
    CHECK(read_back("\xFF"
                    "a") == lost + "a");
    CHECK(read_back("cut \xE2\x82") == "cut " + lost + lost);
    CHECK(read_back("\xC0\x80") == lost + lost);             // an overlong encoding
    CHECK(read_back("\xED\xA0\x80") == lost + lost + lost);  // half of a surrogate pair
    CHECK(read_back("\xF4\x90\x80\x80") == lost + lost + lost + lost);
    CHECK(read_back("\x80\xC3\xA4") == lost + "\xC3\xA4");
}

TEST_CASE("a mean that is not finite is null in JSON", "[json]") {
    for (const double odd :
         {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        Snapshot run(1s);
        run.stage("a", 1, 0, 5, {1}).last([&](auto& stage) { stage.queue->mean_fill = odd; });
        CHECK(read_json(to_json(run)).at("stages").at(0).at("queue").at("mean_fill").kind == 'n');
    }
}

TEST_CASE("the JSON reader of the tests refuses invalid JSON", "[json]") {
    for (const char* wrong :
         {"", "{", "{\"a\":1,}", "[1,]", "[1 2]", "\"a", "\"\n\"", "\"\\x\"", "01", "1.", "nan",
          "{\"a\":1,\"a\":2}", "{a:1}", "1 2", "'a'", "-", "[,1]"})
        CHECK_THROWS_AS(read_json(wrong), std::runtime_error);
}

}  // namespace json_tests
