// The items of a test are destroyed before it reads the results.
// expect: this stage function yields views of its items

#include <parallelpipe.hpp>
#include <parallelpipe/testing.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace parallelpipe;

const auto first = [](Input<std::string> in) -> generator<std::string_view> {
    for (const std::string& word : in) co_yield std::string_view(word).substr(0, 1);
};
const auto kind = [](Input<std::string> in) -> generator<Lasting<std::string_view>> {
    for (const std::string& word : in) co_yield word.empty() ? "empty" : "some";
};

#ifdef MISTAKE
auto made = testing::results_of(first, std::vector<std::string>{"a"});
#else
auto made = testing::results_of(kind, std::vector<std::string>{"a"});
#endif
