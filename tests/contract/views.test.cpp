// A stage must not yield views of its items: the item is destroyed before the next stage reads the view. The library
// refuses such stages.

#include <parallelpipe.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace contract_views_tests {

using namespace parallelpipe;

namespace {

// Longer than the small-string buffer.
const std::vector<std::string> lines = {"a first line that is long enough", "a second line that is long enough"};

generator<std::string_view> halves(Input<std::string> in) {
    for (std::string& line : in) {
        const std::string_view all = line;
        co_yield all.substr(0, all.size() / 2);
        co_yield all.substr(all.size() / 2);
    }
}

std::string_view first_word(const std::string& line) { return std::string_view(line).substr(0, line.find(' ')); }

const auto length = map_stage([](std::string_view part) { return part.size(); });

/// Returns: the message of the std::logic_error of a pipeline that must not start.
template <class Start>
std::string refusal(Start start) {
    try {
        start();
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "";
}

template <class Out>
void check_refused(const Pipeline<void, Out>& pipe) {
    const std::array refusals = {refusal([&] { static_cast<void>(pipe.results()); }),
                                 refusal([&] { static_cast<void>(pipe.execute()); }),
                                 refusal([&] { static_cast<void>(pipe.collect()); }),
                                 refusal([&] { static_cast<void>(pipe.ordered().results()); }),
                                 refusal([&] { static_cast<void>(pipe.results(inline_run)); }),
                                 refusal([&] { static_cast<void>(pipe.execute(inline_run)); })};
    for (const std::string& said : refusals) CHECK(said.find("yield a std::string") != std::string::npos);
}

}  // namespace

TEST_CASE("a stage that yields views of its items is refused before any thread starts", "[contract][views]") {
    check_refused(lines | stage(halves) | length);
    check_refused(lines | stage({.workers = 3, .ordered = true}, halves) | length);
    check_refused(lines | map_stage(first_word) | length);
    check_refused(lines | flat_map([](const std::string& line) { return std::array{first_word(line)}; }) | length);
    check_refused(lines | map_stage(first_word).partition_by(&std::string::size) | length);
    // The items are strings, although the function takes a view.
    check_refused(lines | map_stage([](std::string_view line) { return line.substr(1); }));
    check_refused(lines | map_stage([](const std::string& line) { return std::span(line); }) |
                  map_stage([](std::span<const char> part) { return part.size(); }));
    check_refused(lines | Stage<std::string, std::string_view>([](auto items) { return halves(std::move(items)); }) |
                  length);
}

TEST_CASE("a stage whose results contain views is refused, also as the last stage", "[contract][views]") {
    check_refused(lines | stage(halves));
    check_refused(lines | map_stage([](const std::string& line) { return std::vector{first_word(line)}; }));
    check_refused(lines | map_stage([](const std::string& line) { return std::pair(first_word(line), 1); }));
    check_refused(lines | reduce(std::string_view(), [](std::string_view longest, const std::string& line) {
                      return line.size() > longest.size() ? std::string_view(line) : longest;
                  }));
}

TEST_CASE("the error names the stage and does not use up a single-pass range", "[contract][views]") {
    const auto once = [](auto... more) {
        return ([]() -> generator<std::string> { co_yield "one line that is long enough"; }() | ... | more);
    };
    const auto pipe = once(map_stage({.name = "cut"}, first_word), length);
    for (int i = 0; i < 2; ++i) {
        const std::string said = refusal([&] { static_cast<void>(pipe.results()); });
        CHECK(said.find("\"cut\"") != std::string::npos);
    }
    CHECK(once(map_stage([](const std::string& line) { return line; })).execute().size() == 28);
}

TEST_CASE("views of items are allowed if the stage that reads them is in the same fused stage", "[contract][views]") {
    const std::vector<std::size_t> expected = {16, 16, 16, 17};
    CHECK((lines | fuse({.workers = 2, .ordered = true}, stage(halves) | length)).collect() == expected);
    CHECK(fuse(lines | stage(halves) | length).collect() == expected);
    CHECK((lines | fuse(map_stage(first_word) | length)).collect() == std::vector<std::size_t>{1, 1});
    const Pipeline<std::string, std::size_t> erased = map_stage(first_word) | length;
    CHECK((lines | fuse(erased)).collect() == std::vector<std::size_t>{1, 1});
    // A fused stage inside another may yield views of its items.
    CHECK((lines | fuse(fuse(map_stage(first_word)) | length)).collect() == std::vector<std::size_t>{1, 1});
}

TEST_CASE("views of items must not leave a fused stage, and a stage inside must not keep them", "[contract][views]") {
    const auto trimmed = map_stage([](std::string_view part) { return part.substr(1); });
    check_refused(lines | fuse(stage(halves)));
    check_refused(lines | fuse(map_stage(first_word)) | length);
    check_refused(lines | fuse(map_stage(first_word) | trimmed) | length);
    check_refused(Pipeline(fuse(lines | stage(halves) | trimmed)));
    check_refused(lines | fuse(fuse(map_stage(first_word)) | trimmed));
    // The items before the one that fills a batch are destroyed.
    check_refused(lines | fuse(map_stage(first_word) | batch(2) |
                               map_stage([](const std::vector<std::string_view>& all) { return all.size(); })));
    check_refused(lines | fuse(map_stage(first_word) | reduce(std::string_view(), [](auto, auto b) { return b; }) |
                               length));
}

TEST_CASE("a stage inside a fused stage may copy its views to owners", "[contract][views]") {
    const auto copied = map_stage([](std::string_view part) { return std::string(part); });
    CHECK((lines | fuse(map_stage(first_word) | copied)).collect() == std::vector<std::string>{"a", "a"});
    CHECK((lines | fuse(map_stage(first_word) | copied | batch(2))).execute().size() == 2);
}

TEST_CASE("views of data outside of the pipeline may pass stages", "[contract][views]") {
    const std::vector<std::string_view> views(lines.begin(), lines.end());
    const auto trimmed = map_stage({.workers = 2, .ordered = true}, [](std::string_view part) { return part.substr(2); });
    CHECK((views | trimmed).execute() == "second line that is long enough");
    const auto of_elements = stage([](Input<std::string_view> in) -> generator<std::string_view> {
        for (const std::string_view line : in) co_yield line.substr(2);
    });
    CHECK((lines | of_elements).execute() == "second line that is long enough");
    const auto source = stage([]() -> generator<std::string_view> {
        for (const std::string& line : lines) co_yield line;
    });
    CHECK((source | batch(2) | unbatch() | enumerate() | map_stage([](const auto& pair) { return pair.second; }) |
           trimmed)
              .collect()
              .size() == 2);
    const auto parity = map_stage([](int x) -> std::string_view { return x % 2 == 0 ? "even" : "odd"; });
    CHECK((std::views::iota(0, 2) | parity).execute() == "odd");
    const auto referred = map_stage([](std::reference_wrapper<const std::string> line) { return first_word(line); });
    CHECK((lines | map_stage([](const std::string& line) { return std::cref(lines[line == lines[1]]); }) | referred)
              .execute() == "a");
}

TEST_CASE("a stage may declare that its views refer to data that outlives the item", "[contract][views]") {
    const std::map<std::string, std::string> book = {{lines[0], "one"}, {lines[1], "two"}};
    const auto looked_up = [&book](const std::string& line) -> Lasting<std::string_view> {
        const auto found = book.find(line);
        return found == book.end() ? "nowhere" : Lasting<std::string_view>(found->second);
    };
    CHECK((lines | map_stage(looked_up)).execute() == "two");
    CHECK((lines | map_stage({.workers = 2}, looked_up) | length).collect() == std::vector<std::size_t>{3, 3});
    const auto kinds = stage([](Input<std::string> in) -> generator<Lasting<std::string_view>> {
        for (const std::string& line : in) co_yield line.size() > 32 ? "long" : "short";
    });
    const auto all = (lines | kinds | batch(2)).execute();
    CHECK(std::vector<std::string_view>(all.begin(), all.end()) == std::vector<std::string_view>{"short", "long"});
    CHECK((lines | kinds).collect<std::vector<std::string_view>>().size() == 2);
}

TEST_CASE("a nested run with such a stage is refused too", "[contract][views]") {
    const auto outer = stage([](Input<std::string> in) -> generator<std::size_t> {
        for (const std::size_t size : (std::move(in) | map_stage(first_word) | length).results()) co_yield std::size_t{size};
    });
    try {
        static_cast<void>((lines | outer).collect());
        FAIL("it ran");
    } catch (const TaskException& error) {
        CHECK_THROWS_AS(error.rethrow_cause(), std::logic_error);
    }
}

}  // namespace contract_views_tests
